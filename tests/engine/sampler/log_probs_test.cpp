#include "engine/sampler/log_probs.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

namespace hearth::engine {

TEST_CASE("log-probabilities are those of the softmax over everything", "[sampler]") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> logits{1, -infinity, 3, std::nanf(""), 2};
  const double sum = std::exp(1.0) + std::exp(2.0) + std::exp(3.0);
  LogProbMeter meter(5, 2);
  for (int round = 0; round < 2; ++round) {
    meter.measure(logits);
    const auto row = meter.row(0);
    REQUIRE(row.size() == 3);
    CHECK(row[0].id == 0);
    CHECK(row[0].value == Approx(1 - std::log(sum)));
    CHECK(row[1].id == 2);
    CHECK(row[1].value == Approx(3 - std::log(sum)));
    CHECK(row[2].id == 4);
  }
  LogProbMeter all(5, 100);
  all.measure(logits);
  CHECK(all.row(2).size() == 4);  // the chosen one and the three that are possible
  CHECK(all.row(2)[1].id == 2);
  LogProbMeter none(5, 0);
  none.measure(logits);
  CHECK(none.row(4).size() == 1);
}

}  // namespace hearth::engine
