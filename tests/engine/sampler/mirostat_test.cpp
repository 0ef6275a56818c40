#include "engine/sampler/mirostat.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "engine/sampler/random.h"

namespace hearth::engine {
namespace {

// A thousand tokens whose probabilities fall as a power of the rank.
std::vector<Candidate> zipf() {
  std::vector<Candidate> items;
  for (int i = 0; i < 1000; ++i)
    items.push_back({i, -1.1f * std::log(static_cast<float>(i + 1)), 0});
  return items;
}

}  // namespace

TEST_CASE("mirostat keeps the surprise near the target", "[sampler]") {
  const auto version = GENERATE(1, 2);
  const auto tau = GENERATE(2.0f, 4.0f);
  Mirostat mirostat(version, tau, 0.1f, 1000);
  CounterRandom random(7);
  double surprise = 0;
  constexpr int rounds = 3000;
  for (int i = 0; i < rounds; ++i) {
    auto items = zipf();
    Candidates candidates{items, true, 0};
    mirostat.cut(candidates);
    const Candidate& drawn = draw(candidates, random.next());
    surprise -= std::log2(drawn.p);
    mirostat.observe(drawn);
  }
  INFO("version " << version);
  CHECK(std::abs(surprise / rounds - tau) < 0.15);
}

TEST_CASE("mirostat always leaves a candidate", "[sampler]") {
  for (const int version : {1, 2}) {
    Mirostat mirostat(version, 0.0f, 0.1f, 3);
    std::vector<Candidate> items{{0, 5, 0}, {1, 5, 0}, {2, 5, 0}};
    Candidates candidates{items, false, 0};
    mirostat.cut(candidates);
    CHECK_FALSE(candidates.items.empty());
    std::vector<Candidate> lone{{7, 1, 0}};
    Candidates one{lone, false, 0};
    mirostat.cut(one);
    CHECK(one.items.size() == 1);
  }
}

}  // namespace hearth::engine
