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
  options = {};
  options.mirostat = 3;
  CHECK_THROWS_WITH(Sampler(options, 50, context), Catch::Contains("mirostat is 3"));
  options = {};
  options.stages = {"top_x"};
  CHECK_THROWS_WITH(Sampler(options, 50, context), Catch::Contains("top_x"));
  options = {};
  options.logprobs = 101;
  CHECK_THROWS_WITH(Sampler(options, 50, context), Catch::Contains("logprobs is 101"));
  options = {};
  options.dry_sequence_breakers.assign(65, "x");
  CHECK_THROWS_WITH(Sampler(options, 50, context), Catch::Contains("dry_sequence_breakers"));
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

TEST_CASE("no temperature and no logits of a broken model lead astray", "[sampler]") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float large = std::numeric_limits<float>::max();
  SamplingOptions options;
  options.seed = 1;
  const auto sample = [&](std::vector<float> logits) {
    return Sampler(options, 4, context).sample(logits);
  };
  for (const float temperature : {1e-45f, 1e-30f, 0.1f, 1.0f}) {
    for (const int32_t k : {0, 1, 3, 1000}) {
      options.temperature = temperature;
      options.top_k = k;
      options.dynatemp_range = k == 3 ? temperature / 2 : 0;
      CHECK(sample({nan, 5, -infinity, -100}) == 1);
      CHECK(sample({0, large, nan, -large}) == 1);
      CHECK(sample({-infinity, -infinity, infinity, 7}) == 2);
      CHECK_THROWS_WITH(sample({nan, -infinity, nan, -infinity}),
                        Catch::Contains("no token is possible"));
    }
  }
}

TEST_CASE("options beyond the vocabulary mean all of it", "[sampler]") {
  SamplingOptions options;
  options.top_k = options.min_keep = 1'000'000;
  options.top_p = options.typical_p = 0.01f;
  options.min_p = 0.99f;
  options.temperature = 100;
  Sampler sampler(options, 4, context);
  std::map<TokenId, int> counts;
  for (int i = 0; i < 200; ++i) {
    std::vector<float> logits{1, 2, 3, 4};
    ++counts[sampler.sample(logits)];
  }
  CHECK(counts.size() == 4);
}

TEST_CASE("a forbidden token is never chosen, whatever else is asked", "[sampler]") {
  SamplingOptions options;
  options.logit_bias = {{1, -infinity}, {3, -infinity}};
  for (const float temperature : {0.0f, 2.0f}) {
    for (const int32_t mirostat : {0, 1, 2}) {
      options.temperature = temperature;
      options.mirostat = mirostat;
      options.repeat_penalty = 1.5f;
      Sampler sampler(options, 4, context);
      for (int i = 0; i < 50; ++i) {
        std::vector<float> logits{0, 50, 0, infinity};
        const TokenId token = sampler.sample(logits);
        sampler.accept(token);
        CHECK(token % 2 == 0);
      }
    }
  }
  options = {};
  for (TokenId id = 0; id < 4; ++id) options.logit_bias.push_back({id, -infinity});
  std::vector<float> logits{1, 2, 3, 4};
  CHECK_THROWS_WITH(Sampler(options, 4, context).sample(logits),
                    Catch::Contains("no token is possible"));
}

TEST_CASE("a mask does what minus infinity does, and log-probabilities stay", "[sampler]") {
  for (const int kept : {1, 7, 300, 499}) {
    for (const float temperature : {0.0f, 0.8f}) {
      for (const int32_t mirostat : {0, 2}) {
        SamplingOptions options;
        options.seed = 5;
        options.temperature = temperature;
        options.mirostat = mirostat;
        options.logprobs = 1;
        Sampler masked(options, 500, context);
        Sampler plain(options, 500, context);
        for (int i = 0; i < 20; ++i) {
          auto logits = noisy_logits(512, static_cast<uint64_t>(i));
          auto others = logits;
          std::vector<uint64_t> allowed(8, 0);
          for (int k = 0; k < kept; ++k) {
            const size_t token = (static_cast<size_t>(k) * 7 + static_cast<size_t>(i)) % 500;
            allowed[token / 64] |= uint64_t{1} << (token % 64);
          }
          float best = 0;
          for (size_t token = 0; token < 500; ++token) {
            if ((allowed[token / 64] >> (token % 64) & 1) == 0) others[token] = -infinity;
            best = std::max(best, logits[token]);
          }
          const TokenId token = masked.sample(logits, nullptr, allowed);
          CHECK(token == plain.sample(others));
          CHECK((allowed[static_cast<size_t>(token) / 64] >> (token % 64) & 1) == 1);
          REQUIRE(masked.log_probs().size() == 2);
          CHECK(noisy_logits(512, static_cast<uint64_t>(
                                      i))[static_cast<size_t>(masked.log_probs()[1].id)] == best);
        }
      }
    }
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

TEST_CASE("log-probabilities are the model's own, whatever changes the logits", "[sampler]") {
  SamplingOptions options;
  options.temperature = 0;
  options.logprobs = 1;
  options.logit_bias = {{7, 50.0f}};
  Sampler sampler(options, 50, context);
  std::vector<float> logits(50, 0.0f);
  logits[9] = 5;
  CHECK(sampler.sample(logits) == 7);
  REQUIRE(sampler.log_probs().size() == 2);
  const double sum = 49 + std::exp(5.0);
  CHECK(sampler.log_probs()[0].id == 7);
  CHECK(sampler.log_probs()[0].value == Approx(-std::log(sum)));
  CHECK(sampler.log_probs()[1].id == 9);
  CHECK(sampler.log_probs()[1].value == Approx(5 - std::log(sum)));
  CHECK(Sampler({}, 50, context).log_probs().empty());
}

TEST_CASE("an observer sees every stage and changes nothing", "[sampler]") {
  SamplingOptions options;
  options.seed = 3;
  options.xtc_probability = 0.5f;
  options.dynatemp_range = 0.3f;
  options.top_n_sigma = 2;
  Sampler watched(options, 500, context);
  Sampler alone(options, 500, context);
  for (uint64_t i = 0; i < 50; ++i) {
    auto logits = noisy_logits(500, i);
    auto copy = logits;
    std::vector<std::string> seen;
    const TokenId token = watched.sample(logits, [&](std::string_view stage, auto candidates) {
      seen.emplace_back(stage);
      double sum = 0;
      for (const Candidate& item : candidates) sum += item.p;
      CHECK(sum == Approx(1).epsilon(1e-4));
    });
    CHECK(token == alone.sample(copy));
    CHECK(seen == std::vector<std::string>{"logit_bias", "penalties", "dry", "top_n_sigma", "top_k",
                                           "typical_p", "top_p", "min_p", "xtc", "temperature"});
  }
}

TEST_CASE("stages run in the order asked for, mirostat instead of all cuts", "[sampler]") {
  SamplingOptions options;
  options.stages = {"temperature", "top_k"};
  options.mirostat = 0;
  const auto stages_of = [&] {
    std::vector<std::string> seen;
    auto logits = noisy_logits(50, 1);
    Sampler(options, 50, context).sample(logits, [&](std::string_view stage, auto) {
      seen.emplace_back(stage);
    });
    return std::vector<std::string>(seen.begin() + 3, seen.end());
  };
  CHECK(stages_of() == options.stages);
  options.mirostat = 2;
  CHECK(stages_of() == std::vector<std::string>{"temperature", "mirostat"});
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
