// IQ4_NL and IQ4_XS: codes of four bits that choose one of 16 levels, closer together near zero.
#include <algorithm>

#include "engine/tensor/block_codec.h"
#include "engine/tensor/grouped_encoder.h"
#include "engine/tensor/half.h"

namespace hearth::engine {
namespace {

void put_levels(const uint8_t qs[16], float scale, float* values) {
  for (int j = 0; j < 16; ++j) {
    values[j] = scale * iq4_levels[qs[j] & 15];
    values[j + 16] = scale * iq4_levels[qs[j] >> 4];
  }
}

constexpr Levels levels = {-127.0f, 113.0f, iq4_levels, 16};
constexpr SearchRow search_row = {levels, OffsetRule::none, -105.0f, -3.0f, 18};
constexpr GroupedRow iq4_xs_row = {search_row, 32, -32, 31, 2, 0};

void pack_nibbles(const uint8_t codes[32], uint8_t qs[16]) {
  for (int j = 0; j < 16; ++j) qs[j] = static_cast<uint8_t>(codes[j] | (codes[j + 16] << 4));
}

}  // namespace

void decode_block(const BlockIq4Nl& block, float* values) {
  put_levels(block.qs, float_from_half(block.d), values);
}

void decode_block(const BlockIq4Xs& block, float* values) {
  const float d = float_from_half(block.d);
  for (int i = 0; i < 8; ++i) {
    const int low = (block.scales_l[i / 2] >> (i % 2 * 4)) & 15;
    const int scale = (low | (((block.scales_h >> (2 * i)) & 3) << 4)) - 32;
    put_levels(block.qs + 16 * i, d * static_cast<float>(scale), values + 32 * i);
  }
}

void encode_block(const float* values, BlockIq4Nl& block) {
  const Group group(std::span(values, 32));
  block.d = half_from_float(std::clamp(group.fit(search_row).scale, -half_max, half_max));
  uint8_t codes[32];
  group.codes(levels, {float_from_half(block.d), 0.0f}, codes);
  pack_nibbles(codes, block.qs);
}

void encode_block(const float* values, BlockIq4Xs& block) {
  const GroupedBlock result = encode_groups(iq4_xs_row, values);
  block = BlockIq4Xs{};
  block.d = result.d;
  for (size_t i = 0; i < 8; ++i) {
    const int scale = result.scales[i] + 32;
    uint8_t& low = block.scales_l[i / 2];
    low = static_cast<uint8_t>(low | ((scale & 15) << (i % 2 * 4)));
    block.scales_h = static_cast<uint16_t>(block.scales_h | ((scale >> 4) << (2 * i)));
    pack_nibbles(&result.codes[32 * i], block.qs + 16 * i);
  }
}

}  // namespace hearth::engine
