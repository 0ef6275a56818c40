// Types of one and two bits, of ternary weights and of four-bit floats.
#include "engine/tensor/block_codec.h"
#include "engine/tensor/half.h"

namespace hearth::engine {
namespace {

// Digit n, 0 to 4, of a byte that holds five digits of base 3 as a fraction of 256.
int ternary_digit(uint8_t byte, int n) {
  constexpr int powers[] = {1, 3, 9, 27, 81};
  return ((byte * powers[n] & 255) * 3) >> 8;
}

// Where BlockTq1_0 has element i: digit `n` of byte `l`, counted through qs and qh.
struct TernaryPlace {
  int l;
  int n;
};

TernaryPlace ternary_place(int i) {
  if (i < 160) return {i % 32, i / 32};
  if (i < 240) return {32 + i % 16, (i - 160) / 16};
  return {48 + i % 4, (i - 240) / 4};
}

}  // namespace

void decode_block(const BlockTq1_0& block, float* values) {
  const float d = float_from_half(block.d);
  for (int i = 0; i < 256; ++i) {
    const TernaryPlace place = ternary_place(i);
    const uint8_t byte = place.l < 48 ? block.qs[place.l] : block.qh[place.l - 48];
    values[i] = static_cast<float>(ternary_digit(byte, place.n) - 1) * d;
  }
}

void decode_block(const BlockTq2_0& block, float* values) {
  const float d = float_from_half(block.d);
  for (int i = 0; i < 256; ++i) {
    const int code = (block.qs[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3;
    values[i] = static_cast<float>(code - 1) * d;
  }
}

void decode_block(const BlockQ1_0& block, float* values) {
  const float d = float_from_half(block.d);
  for (int i = 0; i < 128; ++i) values[i] = ((block.qs[i / 8] >> (i % 8)) & 1) != 0 ? d : -d;
}

void decode_block(const BlockQ2_0& block, float* values) {
  const float d = float_from_half(block.d);
  for (int i = 0; i < 64; ++i) {
    const int code = (block.qs[i / 4] >> (i % 4 * 2)) & 3;
    values[i] = static_cast<float>(code - 1) * d;
  }
}

void decode_block(const BlockMxfp4& block, float* values) {
  const float d = e8m0_half(block.e);
  for (int j = 0; j < 16; ++j) {
    values[j] = e2m1_doubled[block.qs[j] & 15] * d;
    values[j + 16] = e2m1_doubled[block.qs[j] >> 4] * d;
  }
}

void decode_block(const BlockNvfp4& block, float* values) {
  for (int i = 0; i < 64; ++i) {
    const int group = i / 16;
    const uint8_t byte = block.qs[8 * group + i % 8];
    const int code = i % 16 < 8 ? byte & 15 : byte >> 4;
    values[i] = e2m1_doubled[code] * ue4m3_half(block.d[group]);
  }
}

}  // namespace hearth::engine
