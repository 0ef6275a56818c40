// Types with one scale per block: the 32-value types of the first files, and those made for
// activations.
#include <algorithm>
#include <cmath>

#include "engine/tensor/block_codec.h"
#include "engine/tensor/half.h"

namespace hearth::engine {
namespace {

// Fifth bit of element j, in its place.
int high_bit(const uint8_t qh[4], int j) {
  return ((qh[j / 8] >> (j % 8)) & 1) << 4;
}

// The 32 codes of four bits, element j below 16 in the low nibble of byte j.
int nibble(const uint8_t qs[16], int j) {
  return j < 16 ? qs[j] & 15 : qs[j - 16] >> 4;
}

template <typename Block>
void decode_bytes(const Block& block, float d, float* values) {
  for (int j = 0; j < Block::values; ++j) values[j] = static_cast<float>(block.qs[j]) * d;
}

// 1 / d, or 0 where d is so small that every value of the block becomes zero.
float inverse_or_zero(float d) {
  const float inverse = 1.0f / d;
  return d != 0.0f && std::isfinite(inverse) ? inverse : 0.0f;
}

}  // namespace

void decode_block(const BlockQ4_0& block, float* values) {
  const float d = float_from_half(block.d);
  for (int j = 0; j < 32; ++j) values[j] = static_cast<float>(nibble(block.qs, j) - 8) * d;
}

void decode_block(const BlockQ4_1& block, float* values) {
  const float d = float_from_half(block.d);
  const float m = float_from_half(block.m);
  for (int j = 0; j < 32; ++j) values[j] = static_cast<float>(nibble(block.qs, j)) * d + m;
}

void decode_block(const BlockQ5_0& block, float* values) {
  const float d = float_from_half(block.d);
  for (int j = 0; j < 32; ++j) {
    const int code = nibble(block.qs, j) | high_bit(block.qh, j);
    values[j] = static_cast<float>(code - 16) * d;
  }
}

void decode_block(const BlockQ5_1& block, float* values) {
  const float d = float_from_half(block.d);
  const float m = float_from_half(block.m);
  for (int j = 0; j < 32; ++j) {
    const int code = nibble(block.qs, j) | high_bit(block.qh, j);
    values[j] = static_cast<float>(code) * d + m;
  }
}

void decode_block(const BlockQ8_0& block, float* values) {
  decode_bytes(block, float_from_half(block.d), values);
}

void decode_block(const BlockQ8_1& block, float* values) {
  decode_bytes(block, float_from_half(block.d), values);
}

void decode_block(const BlockQ8K& block, float* values) {
  decode_bytes(block, block.d, values);
}

// The value largest in size becomes -8, the one code without a positive counterpart.
void encode_block(const float* values, BlockQ4_0& block) {
  const float extreme = *std::max_element(
      values, values + 32, [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  const float d = extreme / -8.0f;
  const float inverse = inverse_or_zero(d);
  block.d = half_from_float(std::clamp(d, -half_max, half_max));
  for (int j = 0; j < 16; ++j) {
    const auto low = static_cast<uint8_t>(std::clamp(values[j] * inverse + 8.5f, 0.0f, 15.0f));
    const auto high =
        static_cast<uint8_t>(std::clamp(values[j + 16] * inverse + 8.5f, 0.0f, 15.0f));
    block.qs[j] = static_cast<uint8_t>(low | (high << 4));
  }
}

void encode_block(const float* values, BlockQ8_0& block) {
  float largest = 0.0f;
  for (int j = 0; j < 32; ++j) largest = std::max(largest, std::fabs(values[j]));
  const float d = largest / 127.0f;
  const float inverse = inverse_or_zero(d);
  block.d = half_from_float(std::min(d, half_max));
  for (int j = 0; j < 32; ++j) {
    block.qs[j] = static_cast<int8_t>(std::clamp(std::round(values[j] * inverse), -127.0f, 127.0f));
  }
}

}  // namespace hearth::engine
