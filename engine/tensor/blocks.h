// Blocks of the quantised types as they lie in a file. Field meanings: y is the weight, d and dmin
// are half-precision floats kept as their 16 bits (tensor/half.h). Kernels compiled for one
// instruction set include this header, so it stays freestanding and its functions have internal
// linkage.
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

// y = q * d.
struct BlockQ8_0 {
  static constexpr int values = 32;
  uint16_t d;
  int8_t qs[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

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

}  // namespace hearth::engine
