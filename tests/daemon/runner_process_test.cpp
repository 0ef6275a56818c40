// The daemon's handle with the real hearth-runner and a real, tiny model.
#include "daemon/runner_process.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/shared.h"
#include "tests/support/temp_folder.h"

using namespace hearth;
using namespace hearth::daemon;
using engine::ComputeLeaseOwner;
using engine::FinishReason;
using engine::GenerationRequest;
using engine::LoadOptions;
using engine::RequestId;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using Clock = std::chrono::steady_clock;

namespace {

const std::filesystem::path program = std::filesystem::path(HEARTH_BIN_DIR) / "hearth-runner";

std::optional<std::filesystem::path> tiny_model() {
  const auto path = testing::shared_path("data/models/stories260K/stories260K-f32.gguf");
  if (!path) WARN("skipped: shared data is absent");
  return path;
}

RunnerProcess::Options options(const std::string& name) {
  RunnerProcess::Options result;
  result.program = program;
  result.model_name = name;
  result.log_level = log::Level::warn;
  return result;
}

std::unique_ptr<RunnerProcess> load_runner(const std::filesystem::path& model,
                                           RunnerProcess::Options process_options,
                                           LoadOptions load_options = {}) {
  const UniqueFd file = open_for_reading(model);
  const int fds[] = {file.get()};
  load_options.name = process_options.model_name;
  auto runner = RunnerProcess::spawn(std::move(process_options));
  runner->load({fds}, load_options, {});
  return runner;
}

GenerationRequest story(int64_t tokens_max) {
  GenerationRequest request;
  request.prompt = {{"Once upon a time", false, {}}};
  request.sampling.temperature = 0;
  request.tokens_max = tokens_max;
  return request;
}

// Collects what arrives for any number of requests.
class Inbox {
 public:
  RunnerProcess::EventCallback callback() {
    return [this](RunnerEvent event) {
      std::lock_guard lock(mutex_);
      Answer& answer = answers_[event.event.id];
      answer.text += event.event.text;
      ++answer.events;
      if (event.event.is_final) {
        ++answer.finals;
        answer.end = std::move(event);
      }
      changed_.notify_all();
    };
  }

  struct Answer {
    std::string text;
    int events = 0;
    int finals = 0;
    RunnerEvent end;
  };

  // Waits for the final event.
  Answer wait(RequestId id, std::chrono::seconds patience = 60s) {
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, patience, [&] { return answers_[id].finals > 0; });
    REQUIRE(came);
    return answers_[id];
  }
  bool wait_for_text(RequestId id) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return !answers_[id].text.empty(); });
  }
  Answer now(RequestId id) {
    std::lock_guard lock(mutex_);
    return answers_[id];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<RequestId, Answer> answers_;
};

// A program that behaves as told on descriptor 3, in place of hearth-runner.
std::filesystem::path write_script(const testing::TempFolder& folder, const std::string& body) {
  const std::filesystem::path path = folder.path() / "runner";
  std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

}  // namespace

TEST_CASE("runner: vectors, alone and behind one another, and after its death") {
  const auto path = testing::shared_path("oracle/archs/qwen3-embed.gguf");
  if (!path) {
    WARN("skipped: shared data is absent");
    return;
  }
  auto runner = load_runner(*path, options("embedder"));
  std::mutex mutex;
  std::condition_variable changed;
  std::map<int, RunnerEmbedding> results;
  const auto ask = [&](int number, std::vector<engine::TokenId> tokens) {
    engine::EmbeddingRequest request;
    request.input = {{"", false, std::move(tokens)}};
    request.normalize = true;
    runner->embed(request, [&, number](RunnerEmbedding result) {
      std::lock_guard lock(mutex);
      results[number] = std::move(result);
      changed.notify_all();
    });
  };
  const auto wait = [&](size_t count) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 60s, [&] { return results.size() == count; }));
  };
  ask(0, {1, 2, 3});
  ask(1, {4, 5});
  ask(2, {1, 2, 3});
  ask(3, {1 << 30});
  wait(4);
  CHECK_FALSE(results[0].result.has_failed);
  CHECK(results[0].result.rows == 1);
  CHECK(results[0].result.input_tokens == 3);
  CHECK(results[0].result.values == results[2].result.values);
  CHECK(results[0].result.values != results[1].result.values);
  CHECK(results[3].result.has_failed);
  CHECK_FALSE(results[3].killed_runner);
  CHECK(results[3].result.error == ErrorCode::invalid_argument);

  ::kill(runner->pid(), SIGSTOP);
  ask(4, {1});
  ::kill(runner->pid(), SIGKILL);
  wait(5);
  CHECK(results[4].killed_runner);
  CHECK(results[4].result.error == ErrorCode::unavailable);
  CHECK_THROWS_WITH(ask(5, {1}), Catch::Contains("SIGKILL"));
}

TEST_CASE("runner: a vocabulary without weights tokenizes and refuses the rest") {
  const auto model = tiny_model();
  if (!model) return;
  LoadOptions load_options;
  load_options.vocabulary_only = true;
  auto runner = load_runner(*model, options("stories"), load_options);
  const std::string text = "Once upon a time  there was";
  const std::vector<engine::PromptPart> parts{{text, false, {}}};
  const std::vector<engine::TokenId> tokens = runner->tokenize(parts, false);
  CHECK(runner->detokenize(tokens) == text);
  CHECK(runner->tokenize(parts, true).size() == tokens.size() + 1);
  Inbox inbox;
  const auto answer = inbox.wait(runner->generate(story(5), inbox.callback()));
  CHECK(answer.end.event.finish == FinishReason::failed);
  CHECK_THAT(answer.end.event.message, Catch::Contains("only the vocabulary"));
}

TEST_CASE("runner: loads, answers, tokenizes, tells its facts") {
  const auto model = tiny_model();
  if (!model) return;
  const UniqueFd file = open_for_reading(*model);
  const int fds[] = {file.get()};
  auto runner = RunnerProcess::spawn(options("stories"));
  LoadOptions load_options;
  load_options.name = "stories";
  double last = 0;
  const engine::LoadedFacts facts = runner->load({fds}, load_options, [&](double fraction) {
    last = fraction;
    return true;
  });
  CHECK(last >= 0);
  CHECK(facts.vocab_size == 512);
  CHECK(facts.context_tokens > 0);
  CHECK(facts.weight_bytes > 100'000);
  CHECK(facts.threads >= 1);
  CHECK_FALSE(facts.isa.empty());
  CHECK_FALSE(facts.sandbox.empty());

  Inbox inbox;
  const auto first = inbox.wait(runner->generate(story(40), inbox.callback()));
  CHECK(first.finals == 1);
  CHECK(first.end.event.finish == FinishReason::length);
  CHECK(first.end.event.timings.generated_tokens == 40);
  CHECK_FALSE(first.end.killed_runner);
  CHECK(first.text.size() > 40);
  const auto again = inbox.wait(runner->generate(story(40), inbox.callback()));
  CHECK(again.text == first.text);

  const engine::PromptPart parts[] = {{"Once upon a time", false, {}}};
  const std::vector<engine::TokenId> tokens = runner->tokenize(parts, true);
  CHECK(tokens.size() > 2);
  CHECK_THAT(runner->detokenize(tokens), Catch::Matchers::Contains("Once upon a time"));
  const std::vector<engine::TokenId> bad = {1'000'000};
  CHECK_THROWS_AS(runner->detokenize(bad), Error);
  CHECK(runner->stats().steps > 0);
  CHECK(runner->is_alive());
  runner->stop(5s);
  CHECK_FALSE(runner->is_alive());
  CHECK(runner->death_cause()->kind == DeathKind::stopped);
  CHECK(runner->death_cause()->number == 0);
}

TEST_CASE("runner: many answers at once equal the same alone") {
  const auto model = tiny_model();
  if (!model) return;
  const auto runner = load_runner(*model, options("stories"));
  Inbox inbox;
  const auto alone = inbox.wait(runner->generate(story(60), inbox.callback()));
  std::vector<RequestId> ids;
  for (int i = 0; i < 16; ++i) ids.push_back(runner->generate(story(60), inbox.callback()));
  for (const RequestId id : ids) CHECK(inbox.wait(id).text == alone.text);
}

TEST_CASE("runner: cancel ends an answer, with one final event") {
  const auto model = tiny_model();
  if (!model) return;
  const auto runner = load_runner(*model, options("stories"));
  Inbox inbox;
  GenerationRequest request = story(-1);
  request.sampling.temperature = 1;
  const RequestId id = runner->generate(std::move(request), inbox.callback());
  runner->cancel(id);
  const auto answer = inbox.wait(id);
  CHECK(answer.end.event.finish == FinishReason::cancelled);
  runner->cancel(id);
  runner->cancel(999'999);
  CHECK(inbox.wait(runner->generate(story(5), inbox.callback())).end.event.finish ==
        FinishReason::length);
  CHECK(inbox.now(id).finals == 1);
}

TEST_CASE("runner: killed in mid-answer, every request learns the cause once") {
  const auto model = tiny_model();
  if (!model) return;
  std::optional<DeathCause> told;
  RunnerProcess::Options process_options = options("stories");
  process_options.on_death = [&](const DeathCause& cause) { told = cause; };
  const auto runner = load_runner(*model, std::move(process_options));
  Inbox inbox;
  std::vector<RequestId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(runner->generate(story(-1), inbox.callback()));
  CHECK(inbox.wait_for_text(ids[0]));
  ::kill(runner->pid(), SIGKILL);
  int failed = 0;
  for (const RequestId id : ids) {
    const auto answer = inbox.wait(id);
    CHECK(answer.finals == 1);
    if (answer.end.event.finish != FinishReason::failed) continue;  // was done already
    ++failed;
    CHECK(answer.end.killed_runner);
    CHECK(answer.end.event.error == ErrorCode::unavailable);
    CHECK(answer.end.event.message ==
          "the runner of model \"stories\" was killed by signal 9 (SIGKILL) while answering; the "
          "model is loaded again "
          "with the next request");
  }
  CHECK(failed > 0);
  runner->stop(1s);
  REQUIRE(told);
  CHECK(told->kind == DeathKind::signal);
  CHECK_FALSE(runner->is_alive());
  CHECK_THROWS_WITH(runner->generate(story(1), inbox.callback()),
                    Catch::Matchers::Contains("SIGKILL"));
  CHECK_THROWS_AS(runner->stats(), Error);
}

TEST_CASE("runner: a hostile file is refused with the reader's words") {
  testing::TempFolder folder;
  const std::filesystem::path path = folder.path() / "bad.gguf";
  std::ofstream(path) << "GGUF but not really a model";
  const UniqueFd file = open_for_reading(path);
  const int fds[] = {file.get()};
  const auto runner = RunnerProcess::spawn(options("bad"));
  try {
    runner->load({fds}, {}, {});
    FAIL("loaded");
  } catch (const Error& error) {
    CHECK((error.code() == ErrorCode::corrupt_data || error.code() == ErrorCode::unsupported));
    CHECK_FALSE(std::string(error.what()).empty());
  }
  CHECK(runner->is_alive());
  runner->stop(5s);
  CHECK(runner->death_cause()->kind == DeathKind::stopped);
}

TEST_CASE("runner: dead while loading, load says why") {
  testing::TempFolder folder;
  RunnerProcess::Options process_options = options("x");
  process_options.program = write_script(folder, "exit 3");
  const auto runner = RunnerProcess::spawn(std::move(process_options));
  const UniqueFd file(::memfd_create("m", MFD_CLOEXEC));
  const int fds[] = {file.get()};
  CHECK_THROWS_WITH(runner->load({fds}, {}, {}),
                    Catch::Matchers::Contains("ended with exit code 3"));
}

TEST_CASE("runner: a program that cannot be started is named") {
  RunnerProcess::Options process_options = options("x");
  process_options.program = "/nonexistent/hearth-runner";
  CHECK_THROWS_WITH(RunnerProcess::spawn(std::move(process_options)),
                    "cannot start /nonexistent/hearth-runner: No such file or directory");
}

TEST_CASE("runner: nonsense from a runner ends it, not the daemon") {
  testing::TempFolder folder;
  std::string body;
  SECTION("random text") {
    body = "echo this is no frame at all >&3; sleep 60";
  }
  SECTION("a frame of 4 GiB") {
    body = "printf '\\377\\377\\377\\377\\000\\000\\000\\000' >&3; sleep 60";
  }
  SECTION("nested CBOR") {
    body =
        "printf "
        "'\\020\\000\\000\\000\\000\\000\\000\\000\\201\\201\\201\\201\\201\\201\\201\\201\\201\\20"
        "1\\201\\201\\201\\201\\201\\201' >&3; sleep 60";
  }
  RunnerProcess::Options process_options = options("x");
  process_options.program = write_script(folder, body);
  const auto runner = RunnerProcess::spawn(std::move(process_options));
  const auto end = Clock::now() + 20s;
  while (runner->is_alive() && Clock::now() < end) std::this_thread::sleep_for(5ms);
  REQUIRE(runner->death_cause());
  CHECK(runner->death_cause()->kind == DeathKind::protocol);
  CHECK_THAT(runner->death_cause()->message,
             Catch::Matchers::Contains("hearthd does not understand"));
}

TEST_CASE("runner: silence is a hang") {
  testing::TempFolder folder;
  RunnerProcess::Options process_options = options("x");
  process_options.program = write_script(folder, "exec sleep 60");
  process_options.hang_limit = 300ms;
  process_options.ping_interval = 50ms;
  const auto runner = RunnerProcess::spawn(std::move(process_options));
  const auto end = Clock::now() + 20s;
  while (runner->is_alive() && Clock::now() < end) std::this_thread::sleep_for(5ms);
  REQUIRE(runner->death_cause());
  CHECK(runner->death_cause()->kind == DeathKind::hang);
  CHECK_THAT(runner->death_cause()->message,
             Catch::Matchers::Contains("stopped answering for 0.3 s"));
}

TEST_CASE("runner: a stopped process is ended by the watchdog and its requests fail") {
  const auto model = tiny_model();
  if (!model) return;
  RunnerProcess::Options process_options = options("stories");
  process_options.hang_limit = 3s;
  process_options.ping_interval = 50ms;
  const auto runner = load_runner(*model, std::move(process_options));
  ::kill(runner->pid(), SIGSTOP);
  Inbox inbox;
  const auto answer = inbox.wait(runner->generate(story(5), inbox.callback()));
  CHECK(answer.end.event.finish == FinishReason::failed);
  CHECK_THAT(answer.end.event.message,
             Catch::Matchers::Contains("stopped answering for 3 s while answering"));
}

TEST_CASE("runner: one model per runner") {
  const auto runner = RunnerProcess::spawn(options("x"));
  // Two loads on one runner break the protocol; the second is our own mistake and refused before it
  // is sent.
  const UniqueFd file(::memfd_create("m", MFD_CLOEXEC));
  const int fds[] = {file.get()};
  CHECK_THROWS_AS(runner->load({fds}, {}, {}), Error);
  CHECK_THROWS_WITH(runner->load({fds}, {}, {}), "a runner loads one model only");
}

TEST_CASE("runner: loading can be cancelled") {
  testing::TempFolder folder;
  RunnerProcess::Options process_options = options("x");
  process_options.program = write_script(folder, "exec sleep 2");  // never answers
  const auto runner = RunnerProcess::spawn(std::move(process_options));
  const UniqueFd file(::memfd_create("m", MFD_CLOEXEC));
  const int fds[] = {file.get()};
  const auto begin = Clock::now();
  CHECK_THROWS_AS(runner->load({fds}, {}, [](double) { return false; }), Error);
  CHECK(Clock::now() - begin < 10s);
}

TEST_CASE("runner: two models share the lease, and one that dies does not stop the other") {
  const auto model = tiny_model();
  if (!model) return;
  ComputeLeaseOwner lease;
  RunnerProcess::Options a_options = options("a");
  RunnerProcess::Options b_options = options("b");
  a_options.lease = b_options.lease = &lease;
  const auto a = load_runner(*model, std::move(a_options));
  const auto b = load_runner(*model, std::move(b_options));
  Inbox inbox_a;
  Inbox inbox_b;
  const auto alone = inbox_a.wait(a->generate(story(100), inbox_a.callback()));
  std::vector<RequestId> ids_a;
  std::vector<RequestId> ids_b;
  for (int i = 0; i < 4; ++i) {
    ids_a.push_back(a->generate(story(100), inbox_a.callback()));
    ids_b.push_back(b->generate(story(100), inbox_b.callback()));
  }
  for (const RequestId id : ids_a) CHECK(inbox_a.wait(id).text == alone.text);
  for (const RequestId id : ids_b) CHECK(inbox_b.wait(id).text == alone.text);
  const RequestId doomed = a->generate(story(-1), inbox_a.callback());
  const RequestId other = b->generate(story(-1), inbox_b.callback());
  inbox_a.wait_for_text(doomed);
  ::kill(a->pid(), SIGKILL);
  inbox_a.wait(doomed);
  CHECK(inbox_b.wait(other).end.event.finish != FinishReason::failed);
}

TEST_CASE("runner: nothing is left behind") {
  const auto runner = RunnerProcess::spawn(options("x"));
  const pid_t process = runner->pid();
  CHECK(::kill(process, 0) == 0);
  runner->stop(5s);
  CHECK(::kill(process, 0) == -1);
  CHECK(::waitpid(process, nullptr, WNOHANG) == -1);
}
