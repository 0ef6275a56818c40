// Costs are learnt from what steps took, in spite of hiccups, growth and gaps.
#include "engine/speculation/step_costs.h"

#include <catch2/catch.hpp>
#include <random>

using namespace hearth::engine;

namespace {

// Flat up to four columns, then steep: as a machine might be.
double machine_seconds(int32_t columns) {
  return 0.02 * (columns <= 4 ? 1 : 1 + 0.3 * (columns - 4));
}

}  // namespace

TEST_CASE("costs before and after measuring") {
  StepCosts costs;
  REQUIRE_FALSE(costs.has_any());
  costs.count(1, 0.02);
  REQUIRE(costs.seconds(1) == Approx(0.02));
  // Never measured: a gentle rise, so that it is tried.
  REQUIRE(costs.seconds(5) > 0.02);
  REQUIRE(costs.seconds(5) < 0.03);
  for (int32_t i = 0; i < 20; ++i) costs.count(5, machine_seconds(5));
  REQUIRE(costs.seconds(5) / costs.seconds(1) == Approx(1.3).epsilon(0.1));
  // Between and behind what was measured lies what its neighbours say.
  REQUIRE(costs.seconds(3) < costs.seconds(5));
  REQUIRE(costs.seconds(8) > costs.seconds(5));
  costs.count(StepCosts::columns_max + 1, 100);
  REQUIRE(costs.seconds(1) < 0.05);
}

TEST_CASE("ratios survive noise and a slowly growing context") {
  std::mt19937 random(5);
  StepCosts costs;
  double growth = 1;
  for (int32_t i = 0; i < 2000; ++i) {
    const int32_t columns = 1 + static_cast<int32_t>(random() % 12);
    const double noise = random() % 20 == 0 ? 5 : 1 + static_cast<double>(random() % 100) / 500;
    growth *= 1.001;
    costs.count(columns, machine_seconds(columns) * noise * growth);
  }
  for (const int32_t columns : {2, 4, 8, 12}) {
    CAPTURE(columns);
    REQUIRE(costs.seconds(columns) / costs.seconds(1) ==
            Approx(machine_seconds(columns) / machine_seconds(1)).epsilon(0.25));
  }
}

TEST_CASE("a bad measurement is forgotten, so that it is tried again") {
  StepCosts costs;
  for (int32_t i = 0; i < 10; ++i) costs.count(1, 0.02);
  for (int32_t i = 0; i < 10; ++i) costs.count(4, 0.2);
  REQUIRE(costs.seconds(4) > 0.04);
  for (int32_t i = 0; i < 300; ++i) costs.count(1, 0.02);
  REQUIRE(costs.seconds(4) < 0.03);
}
