// Blocks of the types of one and two bits, of ternary weights and of four-bit floats. As in
// blocks.h, d is the 16 bits of a half-precision float, y the weight, and the header stays
// freestanding.
#pragma once

#include <bit>
#include <cstdint>

namespace hearth::engine {

// Five base-3 digits t to a byte. Digit n of a byte is ((byte * 3^n mod 256) * 3) >> 8. Digit n of
// qs[l] is element 32 * n + l for l below 32, 160 + 16 * n + l - 32 for the other 16; digit n (of
// four) of qh[l] is element 240 + 4 * n + l. y = (t - 1) * d.
struct BlockTq1_0 {
  static constexpr int values = 256;
  uint8_t qs[48];
  uint8_t qh[4];
  uint16_t d;
};
static_assert(sizeof(BlockTq1_0) == 54);

// Element l of the 32 with index t in half n of 128 has the two bits at 2t of qs[32 * n + l];
// y = (q - 1) * d.
struct BlockTq2_0 {
  static constexpr int values = 256;
  uint8_t qs[64];
  uint16_t d;
};
static_assert(sizeof(BlockTq2_0) == 66);

// Element j has bit j % 8 of qs[j / 8]: y = d where it is set, else -d.
struct BlockQ1_0 {
  static constexpr int values = 128;
  uint16_t d;
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ1_0) == 18);

// Element j has the two bits at 2 * (j % 4) of qs[j / 4]; y = (q - 1) * d.
struct BlockQ2_0 {
  static constexpr int values = 64;
  uint16_t d;
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ2_0) == 18);

// Byte j holds element j in its low and element j + 16 in its high nibble;
// y = e2m1_doubled[q] * e8m0_half(e).
struct BlockMxfp4 {
  static constexpr int values = 32;
  uint8_t e;
  uint8_t qs[16];
};
static_assert(sizeof(BlockMxfp4) == 17);

// Four groups of 16: byte j of the eight from qs[8 * group] holds element j in its low and element
// j + 8 in its high nibble; y = e2m1_doubled[q] * ue4m3_half(d[group]).
struct BlockNvfp4 {
  static constexpr int values = 64;
  uint8_t d[4];
  uint8_t qs[32];
};
static_assert(sizeof(BlockNvfp4) == 36);

// Twice the values of a four-bit float of one sign, two exponent and one mantissa bit.
static constexpr int8_t e2m1_doubled[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                            0, -1, -2, -3, -4, -6, -8, -12};

// Half of an eight-bit exponent: 2^(e - 128), the two smallest of which are denormal.
static constexpr inline float e8m0_half(uint8_t e) {
  const uint32_t bits = e < 2 ? 0x00200000u << e : (e - 1u) << 23;
  return std::bit_cast<float>(bits);
}

// Half of an unsigned float of four exponent (bias 7) and three mantissa bits. The code of NaN
// counts as zero, bit 7 is not used.
static constexpr inline float ue4m3_half(uint8_t code) {
  const int exponent = (code >> 3) & 15;
  const int mantissa = code & 7;
  if (exponent == 15 && mantissa == 7) return 0.0f;
  if (exponent == 0) return static_cast<float>(mantissa) * 0x1p-10f;
  const auto bits = (static_cast<uint32_t>(exponent + 127 - 7 - 1) << 23) |
                    (static_cast<uint32_t>(mantissa) << 20);
  return std::bit_cast<float>(bits);
}

}  // namespace hearth::engine
