// The arithmetic behind embeddings: names, means in pieces, lengths and shares.
#include "engine/pooling.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

namespace hearth::engine {

TEST_CASE("pooling: every value has a name that leads back to it") {
  for (int32_t i = 0; i < pooling_count; ++i) {
    const auto pooling = static_cast<Pooling>(i);
    CHECK(pooling_from(to_string(pooling)) == pooling);
  }
  CHECK_FALSE(pooling_from("average").has_value());
  CHECK_FALSE(pooling_from("").has_value());
}

TEST_CASE("pooling: a mean does not depend on the pieces its rows arrive in") {
  const std::vector<float> rows = {1e8F, 1, -1e8F, 2, 0.25F, 3};  // [3, 2]
  RowMean whole;
  whole.add(rows, 2);
  RowMean pieces;
  pieces.add(std::span(rows).first(2), 2);
  pieces.add(std::span(rows).subspan(2), 2);
  CHECK(whole.mean() == pieces.mean());
  CHECK(whole.mean()[0] == Approx(0.25 / 3));
  CHECK(whole.mean()[1] == 2);
}

TEST_CASE("pooling: a normalised vector has length 1, zeros stay zeros") {
  std::array<float, 2> vector = {3, -4};
  normalize(vector);
  CHECK(vector[0] == Approx(0.6));
  CHECK(vector[1] == Approx(-0.8));
  std::array<float, 2> zeros = {0, 0};
  normalize(zeros);
  CHECK(zeros == std::array<float, 2>{0, 0});
}

TEST_CASE("pooling: shares add up to 1, also of scores too large for exp") {
  std::array<float, 3> scores = {1000, 1000 + std::log(2.0F), 1000};
  soften(scores);
  CHECK(scores[0] == Approx(0.25).epsilon(1e-4));
  CHECK(scores[1] == Approx(0.5).epsilon(1e-4));
  CHECK(scores[0] + scores[1] + scores[2] == Approx(1));
}

}  // namespace hearth::engine
