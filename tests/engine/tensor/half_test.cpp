#include "engine/tensor/half.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace hearth::engine;

TEST_CASE("every half-precision number survives the way through float") {
  int wrong = 0;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = float_from_half(half);
    if (std::isnan(value)) {
      wrong += (half & 0x7c00) != 0x7c00 || !std::isnan(float_from_half(half_from_float(value)));
    } else {
      wrong += half_from_float(value) != half;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("half precision rounds to nearest, ties to even") {
  CHECK(float_from_half(0x3c00) == 1.0f);
  CHECK(float_from_half(0xc000) == -2.0f);
  CHECK(float_from_half(0x0001) == 0x1p-24f);
  CHECK(float_from_half(0x7bff) == 65504.0f);
  CHECK(half_from_float(1.0f + 0x1p-11f) == 0x3c00);             // tie, down to even
  CHECK(half_from_float(1.0f + 3 * 0x1p-11f) == 0x3c02);         // tie, up to even
  CHECK(half_from_float(1.0f + 0x1p-11f + 0x1p-20f) == 0x3c01);  // above the tie
  CHECK(half_from_float(0x1p-25f) == 0);  // tie between zero and the smallest denormal
  CHECK(half_from_float(0x1.8p-25f) == 1);
  CHECK(half_from_float(0x1.ffcp-15f) == 0x0400);  // rounds up into the normal numbers
  CHECK(half_from_float(65519.0f) == 0x7bff);
  CHECK(half_from_float(65520.0f) == 0x7c00);
  CHECK(half_from_float(-std::numeric_limits<float>::infinity()) == 0xfc00);
  CHECK(half_from_float(-0.0f) == 0x8000);
}

TEST_CASE("bfloat16 is the upper half of a float, rounded to nearest even") {
  CHECK(float_from_bfloat16(0x3f80) == 1.0f);
  CHECK(bfloat16_from_float(1.0f) == 0x3f80);
  CHECK(bfloat16_from_float(std::bit_cast<float>(0x3f808000u)) == 0x3f80);
  CHECK(bfloat16_from_float(std::bit_cast<float>(0x3f818000u)) == 0x3f82);
  CHECK(bfloat16_from_float(std::bit_cast<float>(0x3f808001u)) == 0x3f81);
  CHECK(bfloat16_from_float(std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(std::isnan(float_from_bfloat16(bfloat16_from_float(std::bit_cast<float>(0x7f800001u)))));
}
