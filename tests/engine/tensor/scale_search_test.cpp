#include "engine/tensor/scale_search.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

using namespace hearth::engine;

namespace {

constexpr SearchRow signed_row = {{-8.0f, 7.0f}, OffsetRule::none, -7.0f, -0.15f, 16};
constexpr SearchRow offset_row = {{0.0f, 15.0f}, OffsetRule::any, 14.0f, 0.15f, 16};
constexpr int8_t uneven[] = {-20, -6, -1, 0, 2, 9, 30};
constexpr Levels uneven_levels = {-20.0f, 30.0f, uneven, 7};

std::vector<float> gaussian(int count, float mean) {
  std::mt19937 random(11);
  std::normal_distribution<float> next(mean, 1.0f);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = next(random);
  return values;
}

}  // namespace

TEST_CASE("the nearest of uneven levels is found, halfway and beyond the ends") {
  const std::vector<float> values = {-100.0f, -13.1f, -12.9f, -0.6f, -0.4f, 0.9f, 1.1f, 100.0f};
  uint8_t codes[8];
  Group(values).codes(uneven_levels, {1.0f, 0.0f}, codes);
  CHECK(std::vector<int>(codes, codes + 8) == std::vector<int>{0, 0, 1, 2, 3, 3, 4, 6});
  // The scale turns the order round.
  Group(values).codes(uneven_levels, {-1.0f, 0.0f}, codes);
  CHECK(int{codes[0]} == 6);
  CHECK(int{codes[7]} == 0);
}

TEST_CASE("no scale nearby leaves less error than the one found") {
  for (const SearchRow& row : {signed_row, offset_row}) {
    const Group group(gaussian(32, row.offset == OffsetRule::none ? 0.0f : 3.0f));
    const Fit fit = group.fit(row);
    const float found = group.error(row.levels, fit);
    CHECK(found > 0.0f);
    for (float factor = 0.8f; factor < 1.25f; factor += 0.01f)
      CHECK(group.error(row.levels, {fit.scale * factor, fit.offset}) >= 0.98f * found);
  }
}

TEST_CASE("an offset obeys its rule") {
  SearchRow row = offset_row;
  const Group high(gaussian(32, 10.0f));
  const Group low(gaussian(32, -10.0f));
  CHECK(high.fit(row).offset > 5.0f);
  row.offset = OffsetRule::not_positive;
  CHECK(high.fit(row).offset == 0.0f);
  CHECK(low.fit(row).offset < -10.0f);
  row.offset = OffsetRule::none;
  CHECK(high.fit(row).offset == 0.0f);
}

TEST_CASE("groups without anything to search have a fit all the same") {
  const Group zero(std::vector<float>(32, 0.0f));
  const Group tiny(std::vector<float>(32, 1e-40f));
  for (const Group* group : {&zero, &tiny}) {
    CHECK(group->unit() == 0.0f);
    CHECK(group->fit(signed_row).scale == 0.0f);
    CHECK(group->fit(offset_row).offset == 0.0f);
  }
  const Group same(std::vector<float>(32, -0.5f));
  CHECK(same.fit(offset_row).offset == -0.5f);
  CHECK(same.fit(signed_row).scale * -8.0f == Approx(-0.5f));
  const Group huge(std::vector<float>(32, 3e38f));
  CHECK(std::isfinite(huge.fit(signed_row).scale));
}
