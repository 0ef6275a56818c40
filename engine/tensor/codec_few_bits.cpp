// Types of one and two bits, of ternary weights and of four-bit floats.
#include <algorithm>
#include <cmath>

#include "engine/tensor/block_codec.h"
#include "engine/tensor/half.h"
#include "engine/tensor/scale_search.h"

namespace hearth::engine {
namespace {

// Digit n, 0 to 4, of a byte that holds five digits of base 3 as a fraction of 256.
int ternary_digit(uint8_t byte, int n) {
  constexpr int powers[] = {1, 3, 9, 27, 81};
  return ((byte * powers[n] & 255) * 3) >> 8;
}

// Where BlockTq1_0 has element i: digit `n` of byte `l` of the 52 in qs and qh.
struct TernaryPlace {
  int l;
  int n;
};

TernaryPlace ternary_place(int i) {
  if (i < 160) return {i % 32, i / 32};
  if (i < 240) return {32 + i % 16, (i - 160) / 16};
  return {48 + i % 4, (i - 240) / 4};
}

// The scale that splits values best into those near -d, 0 and d lies anywhere from a quarter of the
// largest (many small values) to all of it.
constexpr SearchRow ternary_row = {{-1.0f, 1.0f}, OffsetRule::none, 0.6f, 0.15f, 24};

// Scale as a half-precision number and codes 0, 1, 2 of 256 values.
uint16_t search_ternary(const float* values, uint8_t codes[256]) {
  const Group group(std::span(values, 256));
  const float scale = std::fabs(group.fit(ternary_row).scale);
  const uint16_t d = half_from_float(std::min(scale, half_max));
  group.codes(ternary_row.levels, {float_from_half(d), 0.0f}, codes);
  return d;
}

// The values of e2m1_doubled in order, and their codes; minus zero has none.
constexpr int8_t e2m1_ascending[] = {-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12};
constexpr uint8_t e2m1_codes[] = {15, 14, 13, 12, 11, 10, 9, 0, 1, 2, 3, 4, 5, 6, 7};
// Exponents hearth writes: all levels are normal, finite floats with them.
constexpr int exponent_code_min = 2;
constexpr int exponent_code_max = 252;
constexpr Levels e2m1_levels = {-12.0f, 12.0f, e2m1_ascending, 15};

}  // namespace

void decode_block(const BlockTq1_0& block, float* values) {
  const float d = float_from_half(block.d);
  uint8_t bytes[52];
  std::copy(std::begin(block.qh), std::end(block.qh), std::copy_n(block.qs, 48, bytes));
  for (int i = 0; i < 256; ++i) {
    const TernaryPlace place = ternary_place(i);
    values[i] = static_cast<float>(ternary_digit(bytes[place.l], place.n) - 1) * d;
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

void encode_block(const float* values, BlockTq1_0& block) {
  uint8_t codes[256];
  block.d = search_ternary(values, codes);
  int digits[52][5] = {};
  for (int i = 0; i < 256; ++i) {
    const TernaryPlace place = ternary_place(i);
    digits[place.l][place.n] = codes[i];
  }
  uint8_t bytes[52];
  for (int l = 0; l < 52; ++l) {
    int number = 0;
    for (const int digit : digits[l]) number = number * 3 + digit;
    // number / 243 as a fraction of 256, rounded up: reading takes digits off the top.
    bytes[l] = static_cast<uint8_t>((number * 256 + 242) / 243);
  }
  std::copy_n(bytes, 48, block.qs);
  std::copy_n(bytes + 48, 4, block.qh);
}

void encode_block(const float* values, BlockTq2_0& block) {
  uint8_t codes[256];
  block.d = search_ternary(values, codes);
  std::fill(std::begin(block.qs), std::end(block.qs), uint8_t{0});
  for (int i = 0; i < 256; ++i) {
    uint8_t& byte = block.qs[i / 128 * 32 + i % 32];
    byte = static_cast<uint8_t>(byte | (codes[i] << (i % 128 / 32 * 2)));
  }
}

// The exponent that lets the largest value just reach the largest level, or one of its neighbours.
void encode_block(const float* values, BlockMxfp4& block) {
  const Group group(std::span(values, 32));
  // unit = fraction * 2^exponent with a fraction from 1/2 to 1, and levels reach 12 = 3/4 * 2^4.
  int exponent = 0;
  std::frexp(group.unit(), &exponent);
  float best_error = INFINITY;
  block.e = 0;
  if (group.unit() > 0.0f) {
    for (int e = exponent - 4 + 128 - 1; e <= exponent - 4 + 128 + 1; ++e) {
      const auto code = static_cast<uint8_t>(std::clamp(e, exponent_code_min, exponent_code_max));
      const float error = group.error(e2m1_levels, {e8m0_half(code), 0.0f});
      if (!(error < best_error)) continue;
      best_error = error;
      block.e = code;
    }
  }
  uint8_t codes[32];
  group.codes(e2m1_levels, {e8m0_half(block.e), 0.0f}, codes);
  for (int j = 0; j < 16; ++j) {
    block.qs[j] = static_cast<uint8_t>(e2m1_codes[codes[j]] | (e2m1_codes[codes[j + 16]] << 4));
  }
}

}  // namespace hearth::engine
