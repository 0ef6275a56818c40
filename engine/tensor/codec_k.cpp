// The types with blocks of 256 and a scale per group of 16 or 32 values. How they are encoded is a
// row each for grouped_encoder.h; this file knows where their bits lie.
#include <algorithm>

#include "engine/tensor/block_codec.h"
#include "engine/tensor/grouped_encoder.h"
#include "engine/tensor/half.h"

namespace hearth::engine {
namespace {

constexpr int sub_values = 32;    // of Q4_K and Q5_K
constexpr int group_values = 16;  // of Q2_K, Q3_K and Q6_K

constexpr GroupedRow q2_k_row = {
    {{0.0f, 3.0f}, OffsetRule::not_positive, 2.0f, 0.15f, 16}, group_values, 0, 15, 2, 1};
constexpr GroupedRow q3_k_row = {
    {{-4.0f, 3.0f}, OffsetRule::none, -2.8f, -0.15f, 16}, group_values, -32, 31, 2, 0};
constexpr GroupedRow q4_k_row = {
    {{0.0f, 15.0f}, OffsetRule::not_positive, 14.0f, 0.15f, 16}, sub_values, 0, 63, 3, 1};
constexpr GroupedRow q5_k_row = {
    {{0.0f, 31.0f}, OffsetRule::not_positive, 30.0f, 0.15f, 16}, sub_values, 0, 63, 3, 1};
constexpr GroupedRow q6_k_row = {
    {{-32.0f, 31.0f}, OffsetRule::none, -31.1f, -0.1f, 19}, group_values, -128, 127, 1, 0};

// The low two bits of element i in Q2_K and Q3_K: byte and shift.
constexpr size_t crumb_byte(size_t i) {
  return i / 128 * 32 + i % 32;
}
constexpr size_t crumb_shift(size_t i) {
  return i % 128 / 32 * 2;
}

int two_bits(const uint8_t qs[64], int i) {
  const auto index = static_cast<size_t>(i);
  return (qs[crumb_byte(index)] >> crumb_shift(index)) & 3;
}

void pack_two_bits(const std::array<uint8_t, grouped_values>& codes, uint8_t qs[64]) {
  std::fill(qs, qs + 64, uint8_t{0});
  for (size_t i = 0; i < grouped_values; ++i) {
    uint8_t& byte = qs[crumb_byte(i)];
    byte = static_cast<uint8_t>(byte | ((codes[i] & 3) << crumb_shift(i)));
  }
}

// Inverse of unpack_q3_k_scales.
void pack_q3_k_scales(const GroupedBlock& source, uint8_t packed[12]) {
  std::fill(packed, packed + 12, uint8_t{0});
  for (size_t i = 0; i < 16; ++i) {
    const int scale = source.scales[i] + 32;
    uint8_t& low = packed[i % 8];
    uint8_t& top = packed[8 + i % 4];
    low = static_cast<uint8_t>(low | ((scale & 15) << (i < 8 ? 0 : 4)));
    top = static_cast<uint8_t>(top | ((scale >> 4) << (i / 4 * 2)));
  }
}

// Inverse of unpack_k_scales.
void pack_k_scales(const GroupedBlock& source, uint8_t packed[12]) {
  for (size_t j = 0; j < 4; ++j) {
    packed[j] = static_cast<uint8_t>(source.scales[j] | ((source.scales[j + 4] >> 4) << 6));
    packed[j + 4] = static_cast<uint8_t>(source.mins[j] | ((source.mins[j + 4] >> 4) << 6));
    packed[j + 8] =
        static_cast<uint8_t>((source.scales[j + 4] & 15) | ((source.mins[j + 4] & 15) << 4));
  }
}

// The low four bits of all codes, two sub-blocks to 32 bytes.
void pack_nibbles(const std::array<uint8_t, grouped_values>& codes, uint8_t qs[128]) {
  for (size_t i = 0; i < 128; ++i) {
    const size_t low = i / 32 * 64 + i % 32;
    qs[i] = static_cast<uint8_t>((codes[low] & 15) | ((codes[low + 32] & 15) << 4));
  }
}

}  // namespace

void decode_block(const BlockQ2K& block, float* values) {
  const float d = float_from_half(block.d);
  const float dmin = float_from_half(block.dmin);
  for (int i = 0; i < grouped_values; ++i) {
    const uint8_t scale = block.scales[i / 16];
    values[i] = d * static_cast<float>(scale & 15) * static_cast<float>(two_bits(block.qs, i)) -
                dmin * static_cast<float>(scale >> 4);
  }
}

void decode_block(const BlockQ3K& block, float* values) {
  const float d = float_from_half(block.d);
  int8_t scales[16];
  unpack_q3_k_scales(block.scales, scales);
  for (int i = 0; i < grouped_values; ++i) {
    const int high = (block.hmask[i % 32] >> (i / 32)) & 1;
    const int code = two_bits(block.qs, i) + 4 * high - 4;
    values[i] = d * scales[i / group_values] * static_cast<float>(code);
  }
}

void decode_block(const BlockQ4K& block, float* values) {
  const float d = float_from_half(block.d);
  const float dmin = float_from_half(block.dmin);
  uint8_t scales[8];
  uint8_t mins[8];
  unpack_k_scales(block.scales, scales, mins);
  for (int i = 0; i < grouped_values; ++i) {
    const int sub = i / sub_values;
    const int byte = block.qs[sub / 2 * 32 + i % 32];
    const int code = sub % 2 == 0 ? byte & 15 : byte >> 4;
    values[i] = d * scales[sub] * static_cast<float>(code) - dmin * mins[sub];
  }
}

void decode_block(const BlockQ5K& block, float* values) {
  const float d = float_from_half(block.d);
  const float dmin = float_from_half(block.dmin);
  uint8_t scales[8];
  uint8_t mins[8];
  unpack_k_scales(block.scales, scales, mins);
  for (int i = 0; i < grouped_values; ++i) {
    const int sub = i / sub_values;
    const int byte = block.qs[sub / 2 * 32 + i % 32];
    const int nibble = sub % 2 == 0 ? byte & 15 : byte >> 4;
    const int code = nibble + ((block.qh[i % 32] >> sub) & 1) * 16;
    values[i] = d * scales[sub] * static_cast<float>(code) - dmin * mins[sub];
  }
}

void decode_block(const BlockQ6K& block, float* values) {
  const float d = float_from_half(block.d);
  for (int i = 0; i < grouped_values; ++i) {
    const int half = i / 128;
    const int quarter = i % 128 / 32;  // which two bits of qh, and which nibble of ql
    const int low = block.ql[half * 64 + quarter % 2 * 32 + i % 32];
    const int nibble = quarter < 2 ? low & 15 : low >> 4;
    const int code = (nibble | (((block.qh[half * 32 + i % 32] >> (2 * quarter)) & 3) << 4)) - 32;
    values[i] = d * block.scales[i / group_values] * static_cast<float>(code);
  }
}

void encode_block(const float* values, BlockQ2K& block) {
  const GroupedBlock result = encode_groups(q2_k_row, values);
  block.d = result.d;
  block.dmin = result.dmin;
  for (size_t g = 0; g < 16; ++g)
    block.scales[g] = static_cast<uint8_t>(result.scales[g] | (result.mins[g] << 4));
  pack_two_bits(result.codes, block.qs);
}

void encode_block(const float* values, BlockQ3K& block) {
  const GroupedBlock result = encode_groups(q3_k_row, values);
  block.d = result.d;
  pack_q3_k_scales(result, block.scales);
  pack_two_bits(result.codes, block.qs);
  std::fill(std::begin(block.hmask), std::end(block.hmask), uint8_t{0});
  for (size_t i = 0; i < grouped_values; ++i) {
    uint8_t& byte = block.hmask[i % 32];
    byte = static_cast<uint8_t>(byte | ((result.codes[i] >> 2) << (i / 32)));
  }
}

void encode_block(const float* values, BlockQ4K& block) {
  const GroupedBlock result = encode_groups(q4_k_row, values);
  block.d = result.d;
  block.dmin = result.dmin;
  pack_k_scales(result, block.scales);
  pack_nibbles(result.codes, block.qs);
}

void encode_block(const float* values, BlockQ5K& block) {
  const GroupedBlock result = encode_groups(q5_k_row, values);
  block.d = result.d;
  block.dmin = result.dmin;
  pack_k_scales(result, block.scales);
  pack_nibbles(result.codes, block.qs);
  std::fill(std::begin(block.qh), std::end(block.qh), uint8_t{0});
  for (size_t i = 0; i < grouped_values; ++i) {
    uint8_t& byte = block.qh[i % 32];
    byte = static_cast<uint8_t>(byte | ((result.codes[i] >> 4) << (i / sub_values)));
  }
}

void encode_block(const float* values, BlockQ6K& block) {
  const GroupedBlock result = encode_groups(q6_k_row, values);
  block = BlockQ6K{};
  block.d = result.d;
  std::copy(result.scales.begin(), result.scales.end(), block.scales);
  for (size_t i = 0; i < grouped_values; ++i) {
    const unsigned code = result.codes[i];
    const size_t half = i / 128;
    const size_t quarter = i % 128 / 32;
    uint8_t& low = block.ql[half * 64 + quarter % 2 * 32 + i % 32];
    uint8_t& high = block.qh[half * 32 + i % 32];
    low = static_cast<uint8_t>(low | ((code & 15) << (quarter < 2 ? 0 : 4)));
    high = static_cast<uint8_t>(high | ((code >> 4) << (2 * quarter)));
  }
}

}  // namespace hearth::engine
