// What the oracle (stages_test.cpp) does not see: windows, ties with a plain definition, breakers
// of several tokens.
#include "engine/sampler/dry.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "engine/sampler/random.h"

namespace hearth::engine {
namespace {

constexpr int64_t vocab_size = 8;

std::vector<float> penalized(const DryOptions& options, const std::vector<TokenId>& history,
                             std::shared_ptr<const DryBreakers> breakers = nullptr) {
  DryPenalty dry(options, std::move(breakers), vocab_size);
  for (const TokenId id : history) dry.accept(id);
  std::vector<float> logits(vocab_size, 0.0f);
  dry.apply(logits);
  return logits;
}

// For every place in the history: how far the text before it equals the text at the end.
std::vector<float> by_definition(const DryOptions& options, std::vector<TokenId> history) {
  if (static_cast<int64_t>(history.size()) > options.last_n)
    history.erase(history.begin(), history.end() - options.last_n);
  std::vector<int64_t> longest(vocab_size, -1);
  for (size_t place = 1; place < history.size(); ++place) {
    size_t length = 0;
    while (length < place && history[place - 1 - length] == history[history.size() - 1 - length])
      ++length;
    auto& worst = longest[static_cast<size_t>(history[place])];
    if (static_cast<int64_t>(length) >= options.allowed_length)
      worst = std::max(worst, static_cast<int64_t>(length));
  }
  std::vector<float> logits(vocab_size, 0.0f);
  for (size_t id = 0; id < logits.size(); ++id) {
    if (longest[id] >= 0)
      logits[id] = -static_cast<float>(
          options.multiplier * std::pow(double{options.base},
                                        static_cast<double>(longest[id] - options.allowed_length)));
  }
  return logits;
}

}  // namespace

TEST_CASE("repetitions cost what their length says", "[sampler]") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<TokenId> history;
    const uint64_t kinds = 1 + seed % 3;  // few kinds of tokens: many repetitions
    for (uint64_t i = 0; i < 1 + seed % 40; ++i)
      history.push_back(static_cast<TokenId>(random_bits(seed, i) % kinds));
    const DryOptions options{0.5f, 1.5f, static_cast<int64_t>(seed % 4),
                             4 + static_cast<int64_t>(seed % 50)};
    INFO(seed);
    if (static_cast<int64_t>(history.size()) > options.allowed_length)
      CHECK(penalized(options, history) == by_definition(options, history));
  }
}

TEST_CASE("breakers end repetitions, also those of several tokens", "[sampler]") {
  const DryOptions options{1, 2, 2, 100};
  const std::vector<TokenId> history{1, 2, 3, 4, 5, 1, 2, 3, 4};
  CHECK(penalized(options, history)[5] == -4.0f);
  const auto breaker = std::make_shared<DryBreakers>(vocab_size);
  breaker->add(2, {3});
  CHECK(penalized(options, history, breaker)[5] == 0.0f);  // one token behind the breaker
  const auto farther = std::make_shared<DryBreakers>(vocab_size);
  farther->add(1, {});
  farther->add(2, {4});
  farther->add(99, {});
  CHECK(penalized(options, history, farther)[5] == -2.0f);
  const auto whole = std::make_shared<DryBreakers>(vocab_size);
  whole->add(5, {});
  CHECK(penalized(options, {1, 2, 3, 5, 0, 1, 2, 3}, whole)[5] == 0.0f);
}

TEST_CASE("nothing is said when DRY is off, and powers stay finite", "[sampler]") {
  CHECK(DryPenalty({0, 2, 2, 100}, nullptr, vocab_size).is_off());
  CHECK(DryPenalty({1, 0.5f, 2, 100}, nullptr, vocab_size).is_off());
  CHECK(DryPenalty({1, 2, 2, 0}, nullptr, vocab_size).is_off());
  const std::vector<TokenId> same(1000, 3);
  CHECK(std::isfinite(penalized({1, 1.75f, 2, 1000}, same)[3]));
  CHECK(penalized({1, 2, 2, 1000}, {-1, 99, 8}) == std::vector<float>(vocab_size, 0.0f));
}

}  // namespace hearth::engine
