// IQ4_NL and IQ4_XS: codes of four bits that choose one of 16 levels, closer together near zero.
#include "engine/tensor/block_codec.h"
#include "engine/tensor/half.h"

namespace hearth::engine {
namespace {

void put_levels(const uint8_t qs[16], float scale, float* values) {
  for (int j = 0; j < 16; ++j) {
    values[j] = scale * iq4_levels[qs[j] & 15];
    values[j + 16] = scale * iq4_levels[qs[j] >> 4];
  }
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

}  // namespace hearth::engine
