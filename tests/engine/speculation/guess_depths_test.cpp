// Depths on plain numbers.
#include "engine/speculation/guess_depths.h"

#include <catch2/catch.hpp>

using namespace hearth::engine;

namespace {

double cheap(int32_t columns) {
  return 1 + 0.02 * (columns - 1);
}
double dear(int32_t columns) {
  return columns;
}
double stairs(int32_t columns) {
  return columns <= 4 ? 1 : 3;
}

std::vector<double> falling(double chance, size_t count) {
  std::vector<double> chances;
  double all = 1;
  for (size_t i = 0; i < count; ++i) chances.push_back(all *= chance);
  return chances;
}

}  // namespace

TEST_CASE("depth grows with the chance and falls with the cost") {
  const std::vector<double> sure = falling(0.97, 15);
  const std::vector<double> vague = falling(0.4, 15);
  const auto depth = [](const std::vector<double>& chances, double (*seconds)(int32_t)) {
    GuessOffer offer{chances, 0};
    choose_depths({&offer, 1}, 32, seconds);
    return offer.depth;
  };
  CHECK(depth(sure, cheap) == 15);
  CHECK(depth(vague, cheap) >= 2);
  CHECK(depth(vague, cheap) <= 5);
  CHECK(depth(sure, dear) == 0);
  CHECK(depth(falling(0.01, 15), cheap) == 0);
  CHECK(depth(sure, stairs) == 15);  // over the step and on
  CHECK(depth(vague, stairs) == 3);  // up to it
  CHECK(depth({}, cheap) == 0);
}

TEST_CASE("columns go to the likeliest guesses of all answers") {
  const std::vector<double> sure = falling(0.95, 8);
  const std::vector<double> vague = falling(0.3, 8);
  std::vector<GuessOffer> offers = {{vague, 0}, {sure, 0}, {{}, 0}};
  const DepthGain gain = choose_depths(offers, 8, cheap);
  CHECK(offers[1].depth == 5);
  CHECK(offers[0].depth == 0);
  CHECK(offers[2].depth == 0);
  CHECK(gain.tokens_per_second > gain.plain_tokens_per_second);
  // So many answers that a column costs what it brings.
  std::vector<GuessOffer> crowd(20, GuessOffer{sure, 0});
  const DepthGain none = choose_depths(crowd, 32, dear);
  for (const GuessOffer& offer : crowd) CHECK(offer.depth == 0);
  CHECK(none.tokens_per_second == none.plain_tokens_per_second);
}
