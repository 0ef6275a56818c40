#include "engine/tensor/blocks.h"

#include <catch2/catch.hpp>

using namespace hearth::engine;

TEST_CASE("six-bit scales unpack from their twelve bytes") {
  // Scale j is 40 + j and min j is 60 - 7 * j, packed by hand from the description of the format.
  uint8_t packed[12] = {};
  for (int j = 0; j < 8; ++j) {
    const int scale = 40 + j;
    const int min = 60 - 7 * j;
    if (j < 4) {
      packed[j] = static_cast<uint8_t>(packed[j] | scale);
      packed[j + 4] = static_cast<uint8_t>(packed[j + 4] | min);
    } else {
      packed[j + 4] = static_cast<uint8_t>((scale & 15) | ((min & 15) << 4));
      packed[j - 4] = static_cast<uint8_t>(packed[j - 4] | ((scale >> 4) << 6));
      packed[j] = static_cast<uint8_t>(packed[j] | ((min >> 4) << 6));
    }
  }
  uint8_t scales[8];
  uint8_t mins[8];
  unpack_k_scales(packed, scales, mins);
  for (int j = 0; j < 8; ++j) {
    INFO(j);
    CHECK(scales[j] == 40 + j);
    CHECK(mins[j] == 60 - 7 * j);
  }
}
