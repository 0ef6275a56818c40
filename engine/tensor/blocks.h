// Blocks of the quantised types as they lie in a file; types with code books are in blocks_iq.h,
// those of two bits and less and four-bit floats in blocks_few_bits.h. Field meanings: y is the
// weight, d, dmin and m are half-precision floats kept as their 16 bits (tensor/half.h). Kernels
// compiled for one instruction set include this header, so it stays freestanding and its functions
// have internal linkage.
#pragma once

#include <cstdint>

namespace hearth::engine {

// Byte j holds element j in its low and element j + 16 in its high nibble; y = (q - 8) * d.
struct BlockQ4_0 {
  static constexpr int values = 32;
  uint16_t d;
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ4_0) == 18);

// Codes as in BlockQ4_0; y = q * d + m.
struct BlockQ4_1 {
  static constexpr int values = 32;
  uint16_t d;
  uint16_t m;
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ4_1) == 20);

// As BlockQ4_0 with a fifth bit: element j has bit j of the 32 in qh, lowest byte first;
// y = (q - 16) * d.
struct BlockQ5_0 {
  static constexpr int values = 32;
  uint16_t d;
  uint8_t qh[4];
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_0) == 22);

// Codes as in BlockQ5_0; y = q * d + m.
struct BlockQ5_1 {
  static constexpr int values = 32;
  uint16_t d;
  uint16_t m;
  uint8_t qh[4];
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_1) == 24);

// y = q * d.
struct BlockQ8_0 {
  static constexpr int values = 32;
  uint16_t d;
  int8_t qs[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

// y = q * d; s is d times the sum of all q. Made for activations, hardly ever in a file.
struct BlockQ8_1 {
  static constexpr int values = 32;
  uint16_t d;
  uint16_t s;
  int8_t qs[32];
};
static_assert(sizeof(BlockQ8_1) == 36);

// Sixteen groups of 16. Element l of the 32 with index t in half n of 128 has the two bits at 2t of
// qs[32 * n + l]. y = d * (scale & 15) * q - dmin * (scale >> 4), a scale per group.
struct BlockQ2K {
  static constexpr int values = 256;
  uint8_t scales[16];
  uint8_t qs[64];
  uint16_t d;
  uint16_t dmin;
};
static_assert(sizeof(BlockQ2K) == 84);

// Low two bits of the codes as in BlockQ2K; the 32 with index s of 8 have bit s of hmask[l] as
// third bit. y = d * (scale - 32) * (q - 4), with six-bit scales per group of 16
// (unpack_q3_k_scales).
struct BlockQ3K {
  static constexpr int values = 256;
  uint8_t hmask[32];
  uint8_t qs[64];
  uint8_t scales[12];
  uint16_t d;
};
static_assert(sizeof(BlockQ3K) == 110);

// Eight sub-blocks of 32. The 32 bytes of pair p hold sub-block 2p in the low and 2p + 1 in the
// high nibbles. y = d * scale * q - dmin * min, with six-bit scale and min (unpack_k_scales).
struct BlockQ4K {
  static constexpr int values = 256;
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t qs[128];
};
static_assert(sizeof(BlockQ4K) == 144);

// As BlockQ4K with a fifth bit: element l of sub-block s has bit s of qh[l].
struct BlockQ5K {
  static constexpr int values = 256;
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t qh[32];
  uint8_t qs[128];
};
static_assert(sizeof(BlockQ5K) == 176);

// Two halves of 128. In a half, for l in 0..31: element l has the low nibble of ql[l] and bits 0-1
// of qh[l], l + 32 the low nibble of ql[l + 32] and bits 2-3, l + 64 the high nibble of ql[l] and
// bits 4-5, l + 96 the high nibble of ql[l + 32] and bits 6-7. y = d * scales[element / 16] * (q -
// 32).
struct BlockQ6K {
  static constexpr int values = 256;
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  uint16_t d;
};
static_assert(sizeof(BlockQ6K) == 210);

// y = q * d; bsums are the sums of each 16 q. Made for activations, hardly ever in a file.
struct BlockQ8K {
  static constexpr int values = 256;
  float d;
  int8_t qs[256];
  int16_t bsums[16];
};
static_assert(sizeof(BlockQ8K) == 292);

// The 6-bit scales and mins of the eight sub-blocks of BlockQ4K and BlockQ5K.
static constexpr inline void unpack_k_scales(const uint8_t packed[12], uint8_t scales[8],
                                             uint8_t mins[8]) {
  for (int j = 0; j < 4; ++j) {
    scales[j] = packed[j] & 63;
    mins[j] = packed[j + 4] & 63;
    scales[j + 4] = static_cast<uint8_t>((packed[j + 8] & 15) | ((packed[j] >> 6) << 4));
    mins[j + 4] = static_cast<uint8_t>((packed[j + 8] >> 4) | ((packed[j + 4] >> 6) << 4));
  }
}

// The scales of the 16 groups of BlockQ3K, less 32: low four bits in the nibbles of bytes 0 to 7,
// upper two bits in bytes 8 to 11.
static constexpr inline void unpack_q3_k_scales(const uint8_t packed[12], int8_t scales[16]) {
  for (int i = 0; i < 16; ++i) {
    const int low = i < 8 ? packed[i] & 15 : packed[i - 8] >> 4;
    const int top = (packed[8 + i % 4] >> (2 * (i / 4))) & 3;
    scales[i] = static_cast<int8_t>((low | (top << 4)) - 32);
  }
}

}  // namespace hearth::engine
