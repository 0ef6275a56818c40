// A draft model on its own: what it guesses is what it would write, whatever became of the guesses
// before.
#include "engine/speculation/draft_model.h"

#include <catch2/catch.hpp>

#include "tests/support/engine_subject.h"

using namespace hearth;
using namespace hearth::engine;
using namespace hearth::testing;

namespace {

const SpeakingModelOptions window_model{.architecture = "gemma3", .layers = 7, .window = 40};

struct Drafter {
  explicit Drafter(const SpeakingModelOptions& options, int64_t context_tokens = 512,
                   int64_t cache_bytes = 0)
      : file(open_gguf(SpeakingModel(options).bytes())) {
    ModelRunnerOptions model_options;
    model_options.kernels = find_kernels("");
    model_options.step_tokens_max = 64;
    model_options.output_tokens_max = StepCosts::columns_max;
    auto runner = ModelRunner::load(file, model_options, {});
    DraftModelOptions draft;
    draft.step_tokens = 64;
    draft.cache = plan_cache(runner->cache_shape(), draft.kv_type, *model_options.kernels,
                             {.context_tokens = context_tokens,
                              .cache_bytes = cache_bytes,
                              .step_tokens = draft.step_tokens});
    model = std::make_unique<DraftModel>(std::move(runner), *model_options.kernels, system_clock(),
                                         draft);
  }
  std::vector<TokenId> guess(RequestId id, std::span<const TokenId> tokens, int32_t depth) {
    DraftModel::Request request{id, tokens, depth, {}};
    model->guess({&request, 1});
    return request.guesses;
  }

  GgufFile file;
  std::unique_ptr<DraftModel> model;
};

// What the model writes behind a prompt, as an engine says.
std::vector<TokenId> written(const SpeakingModelOptions& options, int64_t count) {
  EngineOptions engine = small_steps();
  engine.speculation = Speculation::off;
  Subject subject(options, engine);
  GenerationRequest request;
  request.id = 1;
  request.prompt = {{"so it is said that the old man went away and", true, {}}};
  request.tokens_max = count;
  request.sampling.temperature = 0;
  request.return_tokens = true;
  return subject.ask(request).last.tokens;
}

}  // namespace

TEST_CASE("a draft model guesses what it would write") {
  for (const SpeakingModelOptions& options : {SpeakingModelOptions{}, window_model}) {
    CAPTURE(options.architecture);
    const std::vector<TokenId> all = written(options, 60);
    Drafter drafter(options);
    const size_t prompt = all.size() - 60;
    int64_t right = 0;
    int64_t total = 0;
    // Some guesses are kept, some not, and some tokens come from elsewhere.
    for (size_t at = prompt; at + 8 < all.size(); at += 1 + at % 7) {
      const std::vector<TokenId> guesses = drafter.guess(3, std::span(all).first(at), 4);
      REQUIRE(guesses.size() == 4);
      for (size_t i = 0; i < 4; ++i) right += guesses[i] == all[at + i] ? 1 : 0;
      total += 4;
    }
    // The draft reads in the prompt's role what it did not guess itself: last bits may differ.
    REQUIRE(right * 10 >= total * 9);
    REQUIRE(drafter.model->seconds(1) > 0);
  }
}

TEST_CASE("a long text is read in pieces before it is guessed on") {
  std::vector<TokenId> tokens(200);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<TokenId>(3 + i % 90);
  Drafter drafter({});
  REQUIRE(drafter.model->unread(1, tokens) == 200);
  for (int32_t i = 0; i < 3; ++i) REQUIRE(drafter.guess(1, tokens, 2).empty());
  REQUIRE(drafter.guess(1, tokens, 2).size() == 2);
  REQUIRE(drafter.model->unread(1, tokens) <= 4);
  drafter.model->forget(1);
  REQUIRE(drafter.model->unread(1, tokens) == 200);
}

TEST_CASE("answers that guess nothing lend their pages") {
  const std::vector<TokenId> tokens(60, 7);
  Drafter drafter({}, 96, 1 << 15);  // one context, no more
  for (RequestId id = 1; id <= 6; ++id) REQUIRE(drafter.guess(id, tokens, 2).size() == 2);
  drafter.model->rest();
}

TEST_CASE("vocabularies must be the same") {
  const GgufFile a = open_gguf(SpeakingModel({}).bytes());
  const GgufFile b = open_gguf(SpeakingModel(window_model).bytes());
  REQUIRE(vocabulary_difference(a, b).empty());
}
