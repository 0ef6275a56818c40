// The runner's end of the protocol, spoken to directly: the real hearth-runner behind a socket.
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "engine/runner.h"
#include "tests/support/shared.h"

using namespace hearth::engine;
using hearth::Error;
using hearth::ErrorCode;
using hearth::UniqueFd;
using std::chrono_literals::operator""ms;

namespace {

class Runner {
 public:
  Runner() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const std::string program = (std::filesystem::path(HEARTH_BIN_DIR) / "hearth-runner").string();
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) {
      ::dup2(ends[1], runner_socket_fd);
      ::execl(program.c_str(), "hearth-runner", "serve", "--name=test", "--log-level=off", nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    raw_ = ends[0];
    channel_ = std::make_unique<FrameChannel>(UniqueFd(ends[0]));
  }
  ~Runner() {
    if (process_ == 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

  FrameChannel& channel() { return *channel_; }

  void write_raw(const std::string& bytes) {
    REQUIRE(::send(raw_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == ssize_t(bytes.size()));
  }
  void write_json(const nlohmann::json& json) {
    const std::vector<uint8_t> cbor = nlohmann::json::to_cbor(json);
    const uint32_t head[2] = {uint32_t(cbor.size()), 0};
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), head, 8);
    bytes.append(cbor.begin(), cbor.end());
    write_raw(bytes);
  }

  // The next frame of this kind; others are passed over.
  template <typename T>
  T expect() {
    ReceivedFrame received;
    while (channel_->receive(received, 30'000ms) == ReceiveStatus::frame) {
      if (T* frame = std::get_if<T>(&received.frame)) return std::move(*frame);
    }
    FAIL("the runner ended without the frame that was waited for");
    return {};
  }

  int exit_code() {
    int status = 0;
    REQUIRE(::waitpid(process_, &status, 0) == process_);
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  pid_t process() const { return process_; }
  void hang_up() { channel_.reset(); }

 private:
  pid_t process_ = 0;
  int raw_ = -1;
  std::unique_ptr<FrameChannel> channel_;
};

bool load(Runner& runner) {
  const auto path = hearth::testing::shared_path("data/models/stories260K/stories260K-f32.gguf");
  if (!path) {
    WARN("skipped: shared data is absent");
    return false;
  }
  const UniqueFd file = hearth::open_for_reading(*path);
  const int fds[] = {file.get()};
  LoadFrame frame;
  frame.options.name = "stories";
  frame.model_fds = 1;
  runner.channel().send(frame, fds);
  runner.expect<LoadedFrame>();
  return true;
}

std::string failure_of_load(Runner& runner, const LoadFrame& frame, std::span<const int> fds) {
  runner.channel().send(frame, fds);
  return runner.expect<RefusedFrame>().message;
}

}  // namespace

TEST_CASE("server: says hello, answers pings, leaves on shutdown") {
  Runner runner;
  const HelloFrame hello = runner.expect<HelloFrame>();
  CHECK(hello.protocol == runner_protocol_version);
  CHECK_THAT(hello.program, Catch::Matchers::StartsWith("hearth-runner "));
  runner.channel().send(HelloFrame{});
  runner.channel().send(PingFrame{7});
  CHECK(runner.expect<PongFrame>().call == 7);
  runner.channel().send(ShutdownFrame{});
  CHECK(runner.exit_code() == 0);
}

TEST_CASE("server: leaves when its daemon is gone, and on SIGTERM") {
  Runner first;
  first.expect<HelloFrame>();
  first.hang_up();
  CHECK(first.exit_code() == 0);
  Runner second;
  second.expect<HelloFrame>();
  ::kill(second.process(), SIGTERM);
  CHECK(second.exit_code() == 0);
}

TEST_CASE("server: another version is refused, both are named") {
  Runner runner;
  runner.channel().send(HelloFrame{99, "hearthd 9.9"});
  const FatalFrame fatal = runner.expect<FatalFrame>();
  CHECK_THAT(fatal.message,
             Catch::Matchers::Contains("hearthd 9.9 speaks version 99 of the runner protocol, this "
                                       "hearth-runner 1: install both from one build"));
  CHECK(runner.exit_code() == exit_protocol);
}

TEST_CASE("server: garbage is answered with the reason and the end") {
  Runner runner;
  SECTION("text") {
    runner.write_raw("GET / HTTP/1.1\r\n\r\n");
  }
  SECTION("no CBOR") {
    runner.write_raw(std::string("\x03\0\0\0\0\0\0\0abc", 11));
  }
  SECTION("an unknown frame") {
    runner.write_json({{"frame", "reboot"}});
  }
  SECTION("a runner's frame") {
    runner.write_json({{"frame", "loaded"}});
  }
  SECTION("a load without files") {
    runner.write_json({{"frame", "load"}, {"model_fds", 1}});
  }
  CHECK_FALSE(runner.expect<FatalFrame>().message.empty());
  CHECK(runner.exit_code() == exit_protocol);
}

TEST_CASE("server: without a model everything is refused, nothing breaks") {
  Runner runner;
  runner.channel().send(GenerateFrame{});
  const GenerationEvent event = runner.expect<EventsFrame>().events.at(0);
  CHECK(event.is_final);
  CHECK(event.finish == FinishReason::failed);
  CHECK(event.message == "no model is loaded in this runner yet");
  runner.channel().send(TokenizeFrame{5, {}});
  CHECK(runner.expect<FailedFrame>().call == 5);
  runner.channel().send(CancelFrame{1});
  runner.channel().send(CancelLoadFrame{});
  runner.channel().send(ShutdownFrame{});
  CHECK(runner.exit_code() == 0);
}

TEST_CASE("server: what it cannot load it refuses with words") {
  const UniqueFd file(::memfd_create("m", MFD_CLOEXEC));
  LoadFrame frame;
  frame.options.name = "x";
  frame.model_fds = 1;
  Runner runner;
  SECTION("an empty file") {
    const int fds[] = {file.get()};
    CHECK_THAT(failure_of_load(runner, frame, fds), Catch::Matchers::StartsWith("x"));
  }
  SECTION("an adapter that is none") {
    const auto path = hearth::testing::shared_path("data/models/stories260K/stories260K-f32.gguf");
    if (!path) return;
    const UniqueFd model = hearth::open_for_reading(*path);
    frame.adapter_fds = 1;
    const int fds[] = {model.get(), model.get()};
    CHECK_THAT(failure_of_load(runner, frame, fds), Catch::Matchers::StartsWith("adapter 1 of x") &&
                                                        Catch::Matchers::Contains("is no adapter"));
  }
  SECTION("a lease that is none") {
    const auto path = hearth::testing::shared_path("data/models/stories260K/stories260K-f32.gguf");
    if (!path) return;
    const UniqueFd model = hearth::open_for_reading(*path);
    frame.has_lease = true;
    const int fds[] = {model.get(), file.get()};
    CHECK(failure_of_load(runner, frame, fds) ==
          "the descriptor of the compute lease is not a lease");
  }
  runner.channel().send(PingFrame{1});
  CHECK(runner.expect<PongFrame>().call == 1);
}

TEST_CASE("server: vectors, short and in several frames") {
  Runner runner;
  EmbedFrame frame;
  frame.request.id = 4;
  frame.request.input = {{"", false, {1, 5, 9, 12}}};
  runner.channel().send(frame);
  CHECK(runner.expect<EmbeddingFrame>().result.message == "no model is loaded in this runner yet");
  if (!load(runner)) return;
  runner.channel().send(frame);
  const EmbeddingFrame answer = runner.expect<EmbeddingFrame>();
  CHECK(answer.is_final);
  CHECK(answer.result.id == 4);
  CHECK(answer.result.values.size() == 64);
  CHECK(answer.result.input_tokens == 4);
}

TEST_CASE("server: a grammar that is wrong or a picture fails the request, it is not ignored") {
  Runner runner;
  if (!load(runner)) return;
  const nlohmann::json grammar{{"kind", "gbnf"}, {"text", "root ::= nowhere"}};
  runner.write_json({{"frame", "generate"}, {"id", 1}, {"constraint", {{"grammar", grammar}}}});
  const GenerationEvent first = runner.expect<EventsFrame>().events.at(0);
  CHECK(first.error == ErrorCode::invalid_argument);
  CHECK(first.message.find("nowhere") != std::string::npos);
  runner.write_json({{"frame", "generate"}, {"id", 2}, {"prompt", {{{"image", 0}}}}});
  CHECK(runner.expect<EventsFrame>().events.at(0).error == ErrorCode::unsupported);
}

TEST_CASE("server: a reader that pauses holds up nothing and gets all text in few frames") {
  Runner runner;
  if (!load(runner)) return;
  for (RequestId id = 1; id <= 8; ++id) {
    GenerateFrame frame;
    frame.request.id = id;
    frame.request.prompt = {{"Once upon a time", false, {}}};
    frame.request.sampling.temperature = 0;
    frame.request.tokens_max = 100;
    runner.channel().send(frame);
  }
  std::string text[9];
  int finals = 0;
  while (finals < 8) {
    std::this_thread::sleep_for(20ms);
    for (const GenerationEvent& event : runner.expect<EventsFrame>().events) {
      REQUIRE(event.id <= 8);
      text[event.id] += event.text;
      finals += event.is_final ? 1 : 0;
      if (event.is_final) CHECK(event.timings.generated_tokens == 100);
    }
  }
  for (RequestId id = 2; id <= 8; ++id) CHECK(text[id] == text[1]);
  runner.channel().send(ShutdownFrame{});
  CHECK(runner.exit_code() == 0);
}
