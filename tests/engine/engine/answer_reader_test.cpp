// Answers that are read again while nobody waits, in whole engines whose roles need not agree.
#include "engine/engine/answer_reader.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <limits>
#include <thread>

#include "tests/support/engine_subject.h"

namespace hearth::engine {
namespace {

using testing::Answer;
using testing::SpeakingModelOptions;
using testing::Subject;

EngineOptions options_with(const KernelTable& kernels) {
  EngineOptions options = testing::small_steps();
  options.kernels = &kernels;
  options.speculation = Speculation::off;
  return options;
}

GenerationRequest first_turn(RequestId id, int64_t answer_tokens) {
  GenerationRequest request;
  request.id = id;
  request.prompt = {{"one day a cat went to the park", true, {}}};
  request.tokens_max = answer_tokens;
  request.return_tokens = true;
  request.sampling.temperature = 0;
  // A random model would end at random.
  request.sampling.logit_bias = {{2, -std::numeric_limits<float>::infinity()}};
  return request;
}

GenerationRequest next_turn(const GenerationRequest& before, const Answer& answer) {
  GenerationRequest request = before;
  request.id += 100;
  request.prompt = {{"", true, answer.last.tokens}, {" and then", true, {}}};
  return request;
}

void wait_until_read(const Engine& engine, int64_t tokens) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (engine.stats().answer_tokens_read < tokens) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

const SpeakingModelOptions models[] = {{}, {.architecture = "gemma3", .layers = 7, .window = 40}};

}  // namespace

TEST_CASE("the next turn of a chat finds the answer in the cache") {
  const KernelTable kernels = testing::cautious_kernels();
  for (const SpeakingModelOptions& model : models) {
    CAPTURE(model.architecture);
    Subject subject(model, options_with(kernels));
    const GenerationRequest request = first_turn(1, 150);
    const Answer answer = subject.ask(request);
    const int64_t prompt_tokens = answer.last.timings.prompt_tokens;
    wait_until_read(*subject.engine, 150);
    const Answer next = subject.ask(next_turn(request, answer));
    CHECK(next.last.timings.cached_prompt_tokens >= prompt_tokens + 150 - page_tokens);

    Subject fresh(model, options_with(kernels));
    const Answer expected = fresh.ask(next_turn(request, answer));
    CHECK(expected.last.timings.cached_prompt_tokens == 0);
    CHECK(next.last.tokens == expected.last.tokens);
  }
}

TEST_CASE("who comes while an answer is read does not wait for it and gets the same text") {
  const KernelTable kernels = testing::cautious_kernels();
  Subject subject(SpeakingModelOptions{}, options_with(kernels));
  Subject fresh(SpeakingModelOptions{}, options_with(kernels));
  for (RequestId id = 1; id <= 6; ++id) {
    const GenerationRequest request = first_turn(id, 100 * static_cast<int64_t>(id));
    const Answer answer = subject.ask(request);
    if (id % 2 == 0)
      wait_until_read(*subject.engine, subject.engine->stats().answer_tokens_read + 1);
    GenerationRequest next = next_turn(request, answer);
    next.tokens_max = 20;
    const Answer after = subject.ask(next);
    next.tenant = "nothing is cached for this one";
    CHECK(after.last.tokens == fresh.ask(next).last.tokens);
  }
}

TEST_CASE("answers that no page is left for, and short ones, are not read") {
  const KernelTable kernels = testing::cautious_kernels();
  EngineOptions options = options_with(kernels);
  options.context_tokens = 256;
  options.cache_bytes = 1 << 20;
  Subject subject(SpeakingModelOptions{}, options);
  subject.ask(first_turn(1, page_tokens - 1));
  subject.ask(first_turn(2, 1));
  CHECK(subject.engine->stats().answer_tokens_read == 0);
  for (RequestId id = 3; id < 40; ++id) {
    GenerationRequest request = first_turn(id, 200);
    request.tenant = std::to_string(id);
    subject.engine->submit(request);
  }
  for (RequestId id = 3; id < 40; ++id) CHECK(subject.answers.wait(id).finals == 1);
  wait_until_read(*subject.engine, 200);
}

}  // namespace hearth::engine
