#include "engine/tape/rope.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace hearth::engine {

TEST_CASE("plain rope: frequencies are powers of the base") {
  RopeParameters parameters;
  parameters.dimension_count = 8;
  parameters.freq_base = 10000.0;
  const RopeTable table = make_rope_table(parameters);
  REQUIRE(table.frequencies.size() == 4);
  CHECK(table.frequencies[0] == 1.0);
  CHECK(table.frequencies[1] == Approx(0.1));
  CHECK(table.frequencies[3] == Approx(0.001));
  float angles[8];
  rope_angles(table, 3, angles);
  CHECK(angles[2] == Approx(std::cos(0.3)));
  CHECK(angles[3] == Approx(std::sin(0.3)));
  rope_angles(table, 0, angles);
  CHECK(angles[0] == 1.0F);
  CHECK(angles[1] == 0.0F);
}

TEST_CASE("linear scaling divides positions, frequency factors divide their pair") {
  RopeParameters parameters;
  parameters.dimension_count = 4;
  parameters.factor = 2.5;
  const std::vector<float> factors = {1.0F, 8.0F};
  parameters.freq_factors = factors;
  const RopeTable table = make_rope_table(parameters);
  CHECK(table.frequencies[0] == Approx(1.0 / 2.5));
  CHECK(table.frequencies[1] == Approx(0.01 / 2.5 / 8.0));
  CHECK(table.magnitude == 1.0);
}

TEST_CASE("yarn keeps fast pairs, interpolates slow ones and raises the magnitude") {
  RopeParameters parameters;
  parameters.dimension_count = 32;
  parameters.factor = 4.0;
  parameters.yarn = true;
  parameters.original_context = 2048;
  const RopeTable table = make_rope_table(parameters);
  RopeParameters plain;
  plain.dimension_count = 32;
  const RopeTable unscaled = make_rope_table(plain);
  // 32 turns within 2048 tokens happen at pair 4.03 of base 10000, one turn at pair 10.05.
  CHECK(table.frequencies[4] == unscaled.frequencies[4]);
  CHECK(table.frequencies[11] == Approx(unscaled.frequencies[11] / 4.0));
  CHECK(table.frequencies[7] < unscaled.frequencies[7]);
  CHECK(table.frequencies[7] > unscaled.frequencies[7] / 4.0);
  CHECK(table.magnitude == Approx(1.0 + 0.1 * std::log(4.0)));

  // A model trained with the magnitude in its weights says so.
  parameters.log_multiplier = 0.5;
  CHECK(make_rope_table(parameters).magnitude ==
        Approx((1.0 + 0.1 * std::log(4.0)) / (1.0 + 0.05 * std::log(4.0))));

  parameters.ext_factor = 0.0;
  const RopeTable interpolated = make_rope_table(parameters);
  CHECK(interpolated.frequencies[0] == Approx(0.25));
  CHECK(interpolated.magnitude == 1.0);
}

}  // namespace hearth::engine
