// Types with one scale per block: the 32-value types of the first files, and those made for
// activations.
#include <algorithm>
#include <array>

#include "engine/tensor/block_codec.h"
#include "engine/tensor/half.h"
#include "engine/tensor/scale_search.h"

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

constexpr SearchRow q4_0_row = {{-8.0f, 7.0f}, OffsetRule::none, -7.0f, -0.15f, 16};
constexpr SearchRow q4_1_row = {{0.0f, 15.0f}, OffsetRule::any, 14.0f, 0.15f, 16};
constexpr SearchRow q5_0_row = {{-16.0f, 15.0f}, OffsetRule::none, -15.0f, -0.15f, 16};
constexpr SearchRow q5_1_row = {{0.0f, 31.0f}, OffsetRule::any, 30.0f, 0.15f, 16};
constexpr SearchRow q8_0_row = {{-127.0f, 127.0f}, OffsetRule::none, 127.0f, 0.0f, 1};

// Scale and offset as half-precision numbers, and the codes nearest with these.
struct Codes32 {
  uint16_t d;
  uint16_t m;
  std::array<uint8_t, 32> codes;
};

Codes32 search(const SearchRow& row, const float* values) {
  const Group group(std::span(values, 32));
  const Fit fit = group.fit(row);
  Codes32 result;
  result.d = half_from_float(std::clamp(fit.scale, -half_max, half_max));
  result.m = half_from_float(std::clamp(fit.offset, -half_max, half_max));
  group.codes(row.levels, {float_from_half(result.d), float_from_half(result.m)},
              result.codes.data());
  return result;
}

void pack_nibbles(const Codes32& source, uint8_t qs[16]) {
  for (size_t j = 0; j < 16; ++j)
    qs[j] = static_cast<uint8_t>((source.codes[j] & 15) | ((source.codes[j + 16] & 15) << 4));
}

void pack_high_bits(const Codes32& source, uint8_t qh[4]) {
  std::fill(qh, qh + 4, uint8_t{0});
  for (size_t j = 0; j < 32; ++j)
    qh[j / 8] = static_cast<uint8_t>(qh[j / 8] | ((source.codes[j] >> 4) << (j % 8)));
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

void encode_block(const float* values, BlockQ4_0& block) {
  const Codes32 result = search(q4_0_row, values);
  block.d = result.d;
  pack_nibbles(result, block.qs);
}

void encode_block(const float* values, BlockQ4_1& block) {
  const Codes32 result = search(q4_1_row, values);
  block.d = result.d;
  block.m = result.m;
  pack_nibbles(result, block.qs);
}

void encode_block(const float* values, BlockQ5_0& block) {
  const Codes32 result = search(q5_0_row, values);
  block.d = result.d;
  pack_high_bits(result, block.qh);
  pack_nibbles(result, block.qs);
}

void encode_block(const float* values, BlockQ5_1& block) {
  const Codes32 result = search(q5_1_row, values);
  block.d = result.d;
  block.m = result.m;
  pack_high_bits(result, block.qh);
  pack_nibbles(result, block.qs);
}

void encode_block(const float* values, BlockQ8_0& block) {
  const Codes32 result = search(q8_0_row, values);
  block.d = result.d;
  for (size_t j = 0; j < 32; ++j)
    block.qs[j] = static_cast<int8_t>(static_cast<int>(result.codes[j]) - 127);
}

}  // namespace hearth::engine
