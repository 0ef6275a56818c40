// How many guesses of each sequence a step should check. Pure arithmetic.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace hearth::engine {

// What a step could check for one sequence: chances[i] is the chance that guess i and all before it
// come true, so they fall.
struct GuessOffer {
  std::span<const double> chances;
  int32_t depth = 0;  // result: how many are worth it
};

// Tokens per second of the chosen depths, and of a step without guesses.
struct DepthGain {
  double tokens_per_second = 0;
  double plain_tokens_per_second = 0;
};

// Chooses depths so that the expected tokens per second are the most: the likeliest guess of all
// sequences first, and so on while there are columns. `seconds_of` tells what a step of so many
// columns costs; every sequence has one column of its own. A gain of less than 3 % is none. At
// least one offer; columns_max at least as many.
DepthGain choose_depths(std::span<GuessOffer> offers, int32_t columns_max,
                        const std::function<double(int32_t)>& seconds_of);

}  // namespace hearth::engine
