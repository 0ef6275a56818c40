// The whole decision: what was said before is offered when it came true lately and is cheap.
#include "engine/speculation/speculator.h"

#include <catch2/catch.hpp>
#include <random>

using namespace hearth::engine;

namespace {

// A step after another of one answer, as the engine would; `depth` says how many guesses were
// checked.
struct Run {
  explicit Run(const SpeculationOptions& options, double column_cost = 0.03)
      : speculator(options), guesses(speculator.begin(-1)), cost(column_cost) {}

  int32_t step(std::span<const TokenId> tokens) {
    guesses.follow(tokens);
    guesses.look_up(tokens, 100);
    SequenceGuesses* all[] = {&guesses};
    speculator.choose(all);
    const int32_t depth = static_cast<int32_t>(guesses.tokens().size());
    speculator.count_step(1 + depth, 0.01 * (1 + cost * depth));
    return depth;
  }

  Speculator speculator;
  SequenceGuesses guesses;
  double cost;
};

std::vector<TokenId> noise(uint32_t seed, size_t count, uint32_t vocabulary) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens;
  for (size_t i = 0; i < count; ++i) tokens.push_back(static_cast<TokenId>(random() % vocabulary));
  return tokens;
}

}  // namespace

TEST_CASE("quoting is guessed deeply, noise is not") {
  Run run({});
  std::vector<TokenId> tokens = noise(1, 300, 5000);
  const std::vector<TokenId> prompt = tokens;
  int32_t depth = 0;
  for (size_t i = 0; i < 100; ++i) {
    depth = run.step(tokens);
    if (i > 20) CHECK(depth >= 8);
    tokens.push_back(prompt[100 + i]);
  }
  const std::vector<TokenId> other =
      noise(2, 200, 40);  // now and then the same two, never a pattern
  int64_t drafted = 0;
  for (size_t i = 0; i < other.size(); ++i) {
    depth = run.step(tokens);
    if (i > 100) drafted += depth;
    tokens.push_back(other[i] + 6000);
  }
  CHECK(drafted <= 100);  // of 1,500
}

TEST_CASE("guesses that cost what they bring are not checked") {
  Run run({}, 1.0);
  const std::vector<TokenId> tokens(200, 4);
  int64_t late = 0;
  for (size_t i = 100; i < 200; ++i) {
    const int32_t depth = run.step(std::span(tokens).first(i));
    if (i >= 130) late += depth;
  }
  CHECK(late <= 70);  // of 1,050: an unmeasured depth is tried now and then
}

TEST_CASE("who wants none gets none, who wants few gets few") {
  const std::vector<TokenId> tokens(50, 4);
  Run off({Speculation::off, false});
  CHECK_FALSE(off.speculator.may_guess(1));
  CHECK(off.step(tokens) == 0);
  Run always({Speculation::lookup, true});
  CHECK(always.speculator.may_guess(1));
  CHECK_FALSE(always.speculator.may_guess(0));
  CHECK_FALSE(always.speculator.may_guess(Speculator::columns_max));
  CHECK(always.step(tokens) == Speculator::guesses_max);
  always.guesses = always.speculator.begin(3);
  CHECK(always.step(tokens) == 3);
  always.guesses = always.speculator.begin(0);
  CHECK(always.step(tokens) == 0);
}

TEST_CASE("room for the answer bounds the guesses, and a new beginning forgets them") {
  Speculator speculator({Speculation::lookup, true});
  SequenceGuesses guesses = speculator.begin(-1);
  const std::vector<TokenId> tokens(50, 4);
  guesses.follow(tokens);
  guesses.look_up(tokens, 2);
  CHECK(guesses.tokens().size() == 2);
  guesses.look_up(tokens, 0);
  CHECK(guesses.tokens().empty());
  guesses.restart();
  guesses.follow(std::vector<TokenId>{1, 2, 3});
  guesses.look_up(std::vector<TokenId>{1, 2, 3}, 9);
  CHECK(guesses.tokens().empty());
}
