#include "engine/sampler/random.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

namespace hearth::engine {

TEST_CASE("random numbers depend on seed and counter only", "[sampler]") {
  CounterRandom a(1);
  CounterRandom b(1);
  for (int i = 0; i < 100; ++i) CHECK(a.next() == b.next());
  CHECK(a.counter() == 100);
  CHECK(random_bits(1, 100) == random_bits(1, 100));
  // Pinned: a seed must give the same text in every version.
  CHECK(random_bits(0, 0) == mix_bits(mix_bits(0x9E3779B97F4A7C15u) + 0x9E3779B97F4A7C15u));
}

TEST_CASE("random numbers are uniform and neighbours differ", "[sampler]") {
  constexpr int count = 100000;
  CounterRandom random(12345);
  double sum = 0;
  int below_tenth = 0;
  for (int i = 0; i < count; ++i) {
    const double u = random.next();
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    sum += u;
    below_tenth += u < 0.1 ? 1 : 0;
  }
  CHECK(std::abs(sum / count - 0.5) < 0.004);
  CHECK(std::abs(below_tenth - count / 10) < 400);
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    for (uint64_t counter = 0; counter < 100; ++counter) seen.insert(random_bits(seed, counter));
  }
  CHECK(seen.size() == 10000);
}

}  // namespace hearth::engine
