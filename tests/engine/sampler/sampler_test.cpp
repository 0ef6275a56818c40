#include "engine/sampler/sampler.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"

namespace hearth::engine {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr int64_t context = 4096;

std::vector<float> noisy_logits(size_t count, uint64_t seed) {
  std::vector<float> logits(count);
  for (size_t i = 0; i < count; ++i)
    logits[i] = static_cast<float>(random_bits(seed, i) % 10000) / 1000;
  return logits;
}

std::vector<TokenId> run(SamplingOptions options, int count) {
  Sampler sampler(options, 500, context);
  std::vector<TokenId> ids;
  for (int i = 0; i < count; ++i) {
    auto logits = noisy_logits(512, static_cast<uint64_t>(i));
    ids.push_back(sampler.sample(logits));
    sampler.accept(ids.back());
  }
  return ids;
}

}  // namespace

TEST_CASE("the same seed gives the same tokens, another seed others", "[sampler]") {
  SamplingOptions options;
  options.seed = 42;
  options.repeat_penalty = 1.1f;
  const auto first = run(options, 200);
  CHECK(first == run(options, 200));
  options.seed = 43;
  CHECK(first != run(options, 200));
  options.seed = -1;
  CHECK(Sampler(options, 500, context).seed() != Sampler(options, 500, context).seed());
}

TEST_CASE("temperature 0 takes the best token, the lowest of equal ones", "[sampler]") {
  SamplingOptions options;
  options.temperature = 0;
  Sampler sampler(options, 100, context);
  std::vector<float> logits(100, 1.0f);
  logits[30] = logits[60] = 2.0f;
  CHECK(sampler.sample(logits) == 30);
}

TEST_CASE("padding behind the vocabulary is never chosen", "[sampler]") {
  for (const float temperature : {0.0f, 1.0f}) {
    for (const int32_t k : {0, 5}) {
      SamplingOptions options;
      options.temperature = temperature;
      options.top_k = k;
      Sampler sampler(options, 100, context);
      for (int i = 0; i < 50; ++i) {
        std::vector<float> logits(128, 0.0f);
        for (size_t j = 100; j < 128; ++j) logits[j] = 1000;
        CHECK(sampler.sample(logits) < 100);
      }
    }
  }
}

TEST_CASE("bias forbids, favours and refuses nonsense", "[sampler]") {
  SamplingOptions options;
  options.temperature = 0;
  options.logit_bias = {{7, -infinity}, {9, 5.0f}};
  std::vector<float> logits(50, 0.0f);
  logits[7] = 100;
  CHECK(Sampler(options, 50, context).sample(logits) == 9);
  options.logit_bias = {{50, 1.0f}};
  CHECK_THROWS_AS(Sampler(options, 50, context), Error);
  options.logit_bias = {{1, infinity}};
  CHECK_THROWS_AS(Sampler(options, 50, context), Error);
}

TEST_CASE("options that are not numbers are refused by name", "[sampler]") {
  SamplingOptions options;
  options.top_p = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(Sampler(options, 50, context), Catch::Contains("top_p"));
  options = {};
  options.repeat_penalty = 0;
  CHECK_THROWS_WITH(Sampler(options, 50, context), Catch::Contains("repeat_penalty"));
}

TEST_CASE("logits without a possible token are an error, infinite ones are not", "[sampler]") {
  SamplingOptions options;
  for (const float temperature : {0.0f, 1.0f}) {
    options.temperature = temperature;
    Sampler sampler(options, 50, context);
    std::vector<float> logits(50, std::numeric_limits<float>::quiet_NaN());
    CHECK_THROWS_AS(sampler.sample(logits), Error);
    logits[3] = infinity;
    CHECK(sampler.sample(logits) == 3);
  }
}

TEST_CASE("penalties see the prompt and the answer", "[sampler]") {
  SamplingOptions options;
  options.temperature = 0;
  options.presence_penalty = 1;
  Sampler sampler(options, 50, context);
  sampler.accept(4);
  std::vector<float> logits(50, 0.0f);
  logits[4] = 0.9f;
  logits[5] = 0.5f;
  CHECK(sampler.sample(logits) == 5);
  sampler.accept(5);
  std::fill(logits.begin(), logits.end(), 0.0f);
  logits[4] = 0.9f;
  logits[5] = 0.95f;
  CHECK(sampler.sample(logits) == 0);
}

TEST_CASE("frequencies of draws are the probabilities", "[sampler]") {
  SamplingOptions options;
  options.temperature = 1;
  options.top_p = 1;
  options.seed = 5;
  Sampler sampler(options, 4, context);
  std::map<TokenId, int> counts;
  constexpr int draws = 20000;
  for (int i = 0; i < draws; ++i) {
    std::vector<float> logits{std::log(0.1f), std::log(0.2f), std::log(0.3f), std::log(0.4f)};
    ++counts[sampler.sample(logits)];
  }
  // Four standard deviations of a binomial count are below 0.014 * draws.
  for (TokenId id = 0; id < 4; ++id)
    CHECK(std::abs(counts[id] - draws * 0.1 * (id + 1)) < 0.014 * draws);
}

}  // namespace hearth::engine
