// Guesses must change nothing but the time: whole engines with and without them, bit for bit.
#include "engine/speculation.h"

#include <catch2/catch.hpp>
#include <limits>

#include "tests/support/engine_subject.h"
#include "tests/support/shared.h"

using namespace hearth;
using namespace hearth::engine;
using namespace hearth::testing;

namespace {

EngineOptions plain_options(const KernelTable* kernels) {
  EngineOptions options = small_steps();
  options.kernels = kernels;
  options.speculation = Speculation::off;
  return options;
}

EngineOptions guessing_options(const KernelTable* kernels) {
  EngineOptions options = plain_options(kernels);
  options.speculation = Speculation::lookup;
  options.checks_all_guesses = true;
  return options;
}

// One row per thing that a guess could disturb.
using Setting = void (*)(GenerationRequest&);
constexpr Setting settings[] = {
    [](GenerationRequest& r) { r.sampling.temperature = 0; },
    [](GenerationRequest& r) { r.sampling.temperature = 0.8F, r.sampling.seed = 7; },
    [](GenerationRequest& r) { r.sampling.temperature = 0.3F, r.sampling.seed = 8; },
    [](GenerationRequest& r) {
      r.sampling.temperature = 0, r.sampling.repeat_penalty = 1.3F,
      r.sampling.presence_penalty = 0.5F;
    },
    [](GenerationRequest& r) {
      r.sampling.temperature = 0.5F, r.sampling.seed = 9, r.sampling.logprobs = 3;
    },
    [](GenerationRequest& r) { r.sampling.temperature = 0, r.sampling.logprobs = 0; },
    [](GenerationRequest& r) {
      r.sampling.temperature = 0, r.stop = {"ed ", "qu", "the"};
    },
    [](GenerationRequest& r) { r.sampling.temperature = 0, r.tokens_max = 5; },
    [](GenerationRequest& r) { r.sampling.temperature = 0, r.tokens_max = 1; },
    [](GenerationRequest& r) {
      r.sampling.temperature = 0.7F, r.sampling.seed = 3, r.sampling.mirostat = 2;
    },
    [](GenerationRequest& r) { r.sampling.temperature = 0, r.sampling.dry_multiplier = 0.8F; },
    [](GenerationRequest& r) { r.sampling.temperature = 0, r.guesses_max = 2; },
};

std::vector<GenerationRequest> requests_for(RequestId first) {
  const std::string line = "one day the little cat went to the park and saw a big red ball. ";
  std::vector<GenerationRequest> requests;
  for (const Setting setting : settings) {
    GenerationRequest& request = requests.emplace_back();
    request.id = first++;
    request.prompt = {{line + line + "one day the little", true, {}}};
    request.tokens_max = 48;
    request.return_tokens = true;
    setting(request);
  }
  return requests;
}

void require_equal(const Answer& answer, const Answer& expected) {
  REQUIRE(answer.finals == 1);
  REQUIRE(answer.text == expected.text);
  REQUIRE(answer.last.tokens == expected.last.tokens);
  REQUIRE(answer.last.finish == expected.last.finish);
  REQUIRE(answer.last.timings.generated_tokens == expected.last.timings.generated_tokens);
  REQUIRE(answer.pieces == expected.pieces);
  REQUIRE(answer.log_probs.size() == expected.log_probs.size());
  for (size_t row = 0; row < expected.log_probs.size(); ++row) {
    REQUIRE(answer.log_probs[row].size() == expected.log_probs[row].size());
    for (size_t i = 0; i < expected.log_probs[row].size(); ++i) {
      REQUIRE(answer.log_probs[row][i].id == expected.log_probs[row][i].id);
      REQUIRE(answer.log_probs[row][i].value == expected.log_probs[row][i].value);
    }
  }
}

std::vector<Answer> answers_of(Subject& subject, std::vector<GenerationRequest> requests,
                               const std::string& tenant = "") {
  std::vector<Answer> answers;
  for (GenerationRequest& request : requests) {
    request.tenant = tenant.empty() ? "" : tenant + std::to_string(request.id);
    answers.push_back(subject.ask(request));
  }
  return answers;
}

// The next turn: what was said is the prompt now, pages with rolled back guesses behind it.
std::vector<GenerationRequest> next_turn(std::vector<GenerationRequest> requests,
                                         const std::vector<Answer>& answers) {
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].id += 100;
    requests[i].prompt = {{"", true, answers[i].last.tokens}, {" then the", true, {}}};
  }
  return requests;
}

// All of them at once, in this order.
void require_together(Subject& guessing, const std::vector<GenerationRequest>& requests,
                      const std::vector<Answer>& expected) {
  guessing.answers.hold(true);
  for (const GenerationRequest& request : requests) guessing.engine->submit(request);
  guessing.answers.hold(false);
  for (size_t i = 0; i < requests.size(); ++i) {
    CAPTURE(i);
    require_equal(guessing.answers.wait(requests[i].id), expected[i]);
  }
}

void compare(const std::function<GgufFile()>& open, const KernelTable* kernels) {
  Subject plain(open(), plain_options(kernels));
  Subject guessing(open(), guessing_options(kernels));
  const std::vector<GenerationRequest> requests = requests_for(1);
  const std::vector<Answer> expected = answers_of(plain, requests, "plain ");
  const std::vector<GenerationRequest> turn = next_turn(requests, expected);
  const std::vector<Answer> expected_turn = answers_of(plain, turn, "turn ");
  const std::vector<Answer> alone = answers_of(guessing, requests, "alone ");
  for (size_t i = 0; i < requests.size(); ++i) {
    CAPTURE(i, expected[i].text);
    require_equal(alone[i], expected[i]);
    REQUIRE(alone[i].last.timings.guesses.accepted <= alone[i].last.timings.guesses.drafted);
  }
  // Together, and with what they share in the cache; then on top of pages that saw wrong guesses.
  require_together(guessing, requests_for(501), expected);
  const std::vector<Answer> turned = answers_of(guessing, turn);
  for (size_t i = 0; i < requests.size(); ++i) {
    CAPTURE(i);
    require_equal(turned[i], expected_turn[i]);
  }
  REQUIRE(plain.engine->stats().guesses.drafted == 0);
  const GuessCounts counts = guessing.engine->stats().guesses;
  REQUIRE(counts.accepted > 0);
  REQUIRE(counts.drafted > counts.accepted);
}

}  // namespace

TEST_CASE("ways of guessing have names") {
  for (const std::string_view name : speculation_names)
    REQUIRE(speculation_name(speculation_from_name(name).value()) == name);
  REQUIRE_FALSE(speculation_from_name("fast"));
  REQUIRE(speculation_choices() == "auto, off, lookup or draft");
}

TEST_CASE("guesses change no bit of an answer") {
  const KernelTable cautious = cautious_kernels();
  for (const KernelTable* kernels : {find_kernels(""), &cautious}) {
    const SpeakingModelOptions window{.architecture = "gemma3", .layers = 7, .window = 40};
    CAPTURE(kernels == &cautious);
    compare([&] { return open_gguf(SpeakingModel(window).bytes()); }, kernels);
    if (kernels == &cautious) continue;
    for (const char* name :
         {"stories260K/stories260K-f32", "tinystories-656k/tinystories-656k-f32"}) {
      const auto path = shared_path(std::string("data/models/") + name + ".gguf");
      if (!path) {
        WARN("skipped: shared data is absent");
        return;
      }
      CAPTURE(name);
      compare([&] { return GgufFile::open(*path); }, kernels);
    }
  }
}

TEST_CASE("guesses change nothing where pages are short or a full context shifts") {
  EngineOptions options = plain_options(nullptr);
  options.context_tokens = 256;
  options.cache_bytes = 1 << 20;
  EngineOptions guessing_too = options;
  guessing_too.speculation = Speculation::automatic;
  guessing_too.checks_all_guesses = true;
  Subject plain(SpeakingModelOptions{}, options);
  Subject guessing(SpeakingModelOptions{}, guessing_too);
  std::vector<GenerationRequest> requests = requests_for(1);
  for (GenerationRequest& request : requests) {
    request.shift = request.id % 2 == 0;
    request.tokens_max = request.shift ? 300 : -1;
    // A random model would end at random; every third one says one word for ever, so that its
    // guesses are right.
    request.sampling.logit_bias = {{2, -std::numeric_limits<float>::infinity()}};
    if (request.id % 3 == 0) request.sampling.logit_bias.push_back({261, 100.0F});
  }
  require_together(guessing, requests, answers_of(plain, requests, "plain "));
  REQUIRE(guessing.engine->stats().guesses.accepted > 0);
}

TEST_CASE("an answer that is being guessed can be cancelled, and the next one is right") {
  Subject plain(SpeakingModelOptions{}, plain_options(nullptr));
  Subject guessing(SpeakingModelOptions{}, guessing_options(nullptr));
  GenerationRequest request = requests_for(1).front();
  request.tokens_max = 1500;
  request.sampling.logit_bias = {{2, -std::numeric_limits<float>::infinity()}};
  guessing.engine->submit(request);
  guessing.answers.wait_for_text(request.id);
  guessing.engine->cancel(request.id);
  REQUIRE(guessing.answers.wait(request.id).last.finish == FinishReason::cancelled);
  request.id = 2;
  request.tokens_max = 200;
  require_equal(guessing.ask(request), plain.ask(request));
}

TEST_CASE("a request and a model may do without guesses") {
  Subject guessing(SpeakingModelOptions{}, guessing_options(nullptr));
  GenerationRequest request = requests_for(1).front();
  request.sampling.logit_bias = {{2, -std::numeric_limits<float>::infinity()}};
  request.tokens_max = 400;  // long enough to repeat itself
  request.guesses_max = 0;
  REQUIRE(guessing.ask(request).last.timings.guesses.drafted == 0);
  request.id = 2;
  request.guesses_max = -1;
  REQUIRE(guessing.ask(request).last.timings.guesses.drafted > 0);
}

TEST_CASE("a draft model changes no bit of an answer, however good or bad it is") {
  const SpeakingModelOptions window{.architecture = "gemma3", .layers = 7, .window = 40};
  const SpeakingModelOptions other{.seed = 2};
  const std::vector<GenerationRequest> requests = requests_for(1);
  Subject plain(SpeakingModelOptions{}, plain_options(nullptr));
  const std::vector<Answer> expected = answers_of(plain, requests, "plain ");
  for (const SpeakingModelOptions& draft : {SpeakingModelOptions{}, other, window}) {
    CAPTURE(draft.architecture, draft.seed);
    EngineOptions options = guessing_options(nullptr);
    options.speculation = Speculation::draft;
    options.draft_cache_bytes = 1 << 19;  // too short for all: they take turns
    EngineCompanions companions;
    companions.draft = std::make_unique<GgufFile>(open_gguf(SpeakingModel(draft).bytes()));
    Subject guessing(open_gguf(SpeakingModel({}).bytes()), options, std::move(companions));
    REQUIRE(guessing.engine->stats().weight_bytes > plain.engine->stats().weight_bytes);
    require_together(guessing, requests, expected);
    const GuessCounts counts = guessing.engine->stats().guesses;
    REQUIRE(counts.drafted > 50);
    // The model as its own draft is right wherever the likeliest token is taken.
    if (draft.seed == 1 && draft.window == 0) REQUIRE(counts.accepted * 3 > counts.drafted);
  }
}

TEST_CASE("a draft model with another vocabulary is left out") {
  const auto path = shared_path("data/models/stories260K/stories260K-f32.gguf");
  if (!path) {
    WARN("skipped: shared data is absent");
    return;
  }
  EngineOptions options = guessing_options(nullptr);
  options.speculation = Speculation::draft;
  EngineCompanions companions;
  companions.draft = std::make_unique<GgufFile>(GgufFile::open(*path));
  Subject guessing(open_gguf(SpeakingModel({}).bytes()), options, std::move(companions));
  Subject plain(SpeakingModelOptions{}, plain_options(nullptr));
  const GenerationRequest request = requests_for(1).front();
  require_equal(guessing.ask(request), plain.ask(request));
  REQUIRE(guessing.engine->stats().guesses.drafted == 0);
  REQUIRE(guessing.engine->stats().weight_bytes == plain.engine->stats().weight_bytes);
}
