#include "engine/tensor/blocks.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "engine/tensor/blocks_few_bits.h"
#include "engine/tensor/blocks_iq.h"

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

TEST_CASE("the scales of Q3_K unpack from their twelve bytes") {
  uint8_t packed[12] = {};
  for (int i = 0; i < 16; ++i) {
    const int scale = 3 + 4 * i;  // 3 to 63
    uint8_t& low = packed[i % 8];
    uint8_t& top = packed[8 + i % 4];
    low = static_cast<uint8_t>(low | ((scale & 15) << (i < 8 ? 0 : 4)));
    top = static_cast<uint8_t>(top | ((scale >> 4) << (2 * (i / 4))));
  }
  int8_t scales[16];
  unpack_q3_k_scales(packed, scales);
  for (int i = 0; i < 16; ++i) {
    INFO(i);
    CHECK(scales[i] == 3 + 4 * i - 32);
  }
}

TEST_CASE("a code of seven signs gains an eighth that makes their number even") {
  for (uint32_t code = 0; code < 128; ++code) {
    const uint8_t signs = iq_signs(code);
    INFO(code);
    CHECK((signs & 127) == code);
    CHECK(std::popcount(signs) % 2 == 0);
  }
}

TEST_CASE("the scale of IQ1_M is spread over four top nibbles") {
  const uint16_t scales[4] = {0x4fff, 0x3000, 0x2fff, 0x1000};
  CHECK(iq1_m_scale(scales) == 0x1234);
}

TEST_CASE("scales of four-bit floats are half their value") {
  for (int e = 0; e < 256; ++e) {
    INFO(e);
    CHECK(e8m0_half(static_cast<uint8_t>(e)) == std::ldexp(1.0f, e - 128));
  }
  CHECK(ue4m3_half(0x00) == 0.0f);
  CHECK(ue4m3_half(0x01) == 0x1p-10f);  // the smallest: 2^-9
  CHECK(ue4m3_half(0x07) == 7 * 0x1p-10f);
  CHECK(ue4m3_half(0x08) == 0x1p-7f);
  CHECK(ue4m3_half(0x38) == 0.5f);    // one
  CHECK(ue4m3_half(0x7e) == 224.0f);  // the largest: 448
  CHECK(ue4m3_half(0x7f) == 0.0f);    // no number
  CHECK(ue4m3_half(0xb8) == 0.5f);    // bit 7 is not used
}
