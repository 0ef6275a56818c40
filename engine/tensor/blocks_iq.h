// Blocks of the IQ types, whose codes are indices into lists of points (tensor/codebooks.h) or into
// a table of 16 levels. As in blocks.h, d is the 16 bits of a half-precision float, y the weight,
// and the header stays freestanding. `point` is the 8 or 4 values of a code book entry; sub-block i
// means the 32 elements from 32 * i.
#pragma once

#include <cstdint>

namespace hearth::engine {

// Sub-block i has two little-endian words of 32 bits in qs[4i..4i+3]: the first is four indices of
// a byte each, the second four seven-bit sign codes from bit 0 (iq_signs) and the scale s in bits
// 28 to 31. y = d * (0.5 + s) / 4 * point * sign; iq2_xxs_codebook.
struct BlockIq2Xxs {
  static constexpr int values = 256;
  uint16_t d;
  uint16_t qs[32];
};
static_assert(sizeof(BlockIq2Xxs) == 66);

// qs[k] has the index of elements 8k to 8k + 7 in bits 0 to 8 and their sign code in bits 9 to 15.
// Sub-block i: scale s of its first 16 is the low nibble of scales[i], of its last 16 the high one.
// y = d * (0.5 + s) / 4 * point * sign; iq2_xs_codebook.
struct BlockIq2Xs {
  static constexpr int values = 256;
  uint16_t d;
  uint16_t qs[32];
  uint8_t scales[8];
};
static_assert(sizeof(BlockIq2Xs) == 74);

// Elements 8k to 8k + 7 have index qs[k], with bits 8 and 9 from bits 2 * (k % 4) of qh[k / 4], and
// their eight signs in signs[k], a set bit for minus. Scales and y as in BlockIq2Xs;
// iq2_s_codebook.
struct BlockIq2S {
  static constexpr int values = 256;
  uint16_t d;
  uint8_t qs[32];
  uint8_t signs[32];
  uint8_t qh[8];
  uint8_t scales[8];
};
static_assert(sizeof(BlockIq2S) == 82);

// Elements 4k to 4k + 3 have index qs[k]. The little-endian word of 32 bits of sub-block i at
// signs_scales[4i]: four sign codes of 8 elements each and the scale s, as in BlockIq2Xxs.
// y = d * (0.5 + s) / 2 * point * sign; iq3_xxs_codebook.
struct BlockIq3Xxs {
  static constexpr int values = 256;
  uint16_t d;
  uint8_t qs[64];
  uint8_t signs_scales[32];
};
static_assert(sizeof(BlockIq3Xxs) == 98);

// Elements 4k to 4k + 3 have index qs[k] with bit 8 from bit k % 8 of qh[k / 8]; elements 8k to
// 8k + 7 have their signs in signs[k]. Sub-block i has scale s in nibble i % 2 of scales[i / 2].
// y = d * (1 + 2 s) * point * sign; iq3_s_codebook.
struct BlockIq3S {
  static constexpr int values = 256;
  uint16_t d;
  uint8_t qs[64];
  uint8_t qh[8];
  uint8_t signs[32];
  uint8_t scales[4];
};
static_assert(sizeof(BlockIq3S) == 110);

// Elements 8k to 8k + 7 have index qs[k], with bits 8 to 10 from bits 3 * (k % 4) of qh[k / 4].
// Sub-block i has scale s in bits 12 to 14 of qh[i], and bit 15 set makes delta -1/8, else it is
// 1/8. y = d * (2 s + 1) * (point + delta); iq1_codebook.
struct BlockIq1S {
  static constexpr int values = 256;
  uint16_t d;
  uint8_t qs[32];
  uint16_t qh[8];
};
static_assert(sizeof(BlockIq1S) == 50);

// Elements 8k to 8k + 7 have nibble k % 2 of qh[k / 2]: bits 0 to 2 are bits 8 to 10 of the index
// whose others are qs[k], bit 3 set makes delta -1/8, else it is 1/8. Sub-block i has two scales s,
// for its first and last 16, of three bits from bit 6 * (i % 2) of scales[i / 2]; the top nibbles
// of the four words are d (iq1_m_scale). y as in BlockIq1S.
struct BlockIq1M {
  static constexpr int values = 256;
  uint8_t qs[32];
  uint8_t qh[16];
  uint16_t scales[4];
};
static_assert(sizeof(BlockIq1M) == 56);

// Codes as in BlockQ4_0; y = d * iq4_levels[q].
struct BlockIq4Nl {
  static constexpr int values = 32;
  uint16_t d;
  uint8_t qs[16];
};
static_assert(sizeof(BlockIq4Nl) == 18);

// Sub-block i has the 16 bytes from qs[16 * i], as BlockIq4Nl, and a six-bit scale: low four bits
// in nibble i % 2 of scales_l[i / 2], upper two at bits 2i of scales_h. y = d * (scale - 32) *
// iq4_levels[q].
struct BlockIq4Xs {
  static constexpr int values = 256;
  uint16_t d;
  uint16_t scales_h;
  uint8_t scales_l[4];
  uint8_t qs[128];
};
static_assert(sizeof(BlockIq4Xs) == 136);

static constexpr int8_t iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

// Eight signs of a seven-bit code, a set bit for minus: their number is even.
static constexpr inline uint8_t iq_signs(uint32_t code) {
  const uint32_t halves = code ^ (code >> 4);
  const uint32_t quarters = halves ^ (halves >> 2);
  const uint32_t parity = (quarters ^ (quarters >> 1)) & 1;
  return static_cast<uint8_t>(code | (parity << 7));
}

// The half-precision d of BlockIq1M, as its 16 bits.
static constexpr inline uint16_t iq1_m_scale(const uint16_t scales[4]) {
  return static_cast<uint16_t>((scales[0] >> 12) | ((scales[1] >> 8) & 0x00f0) |
                               ((scales[2] >> 4) & 0x0f00) | (scales[3] & 0xf000));
}

}  // namespace hearth::engine
