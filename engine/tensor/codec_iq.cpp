// Decoding of the types with code books. They are only read: finding points for given values is a
// search over the whole book that hearth does not make.
#include <cstddef>

#include "engine/tensor/block_codec.h"
#include "engine/tensor/codebooks.h"
#include "engine/tensor/half.h"

namespace hearth::engine {
namespace {

// Little-endian 32 bits of two 16-bit words or four bytes of a block.
uint32_t word(const uint16_t* halves) {
  return halves[0] | (static_cast<uint32_t>(halves[1]) << 16);
}
uint32_t word(const uint8_t* bytes) {
  return bytes[0] | (static_cast<uint32_t>(bytes[1]) << 8) |
         (static_cast<uint32_t>(bytes[2]) << 16) | (static_cast<uint32_t>(bytes[3]) << 24);
}

// The point's magnitudes times `scale`, negative where bit k of `signs` is set. The number of
// values is the point's.
template <typename Point>
void put_magnitudes(Point point, float scale, uint32_t signs, float* values) {
  for (size_t k = 0; k < sizeof(Point); ++k) {
    const float magnitude = scale * static_cast<float>((point >> (8 * k)) & 255);
    values[k] = ((signs >> k) & 1) != 0 ? -magnitude : magnitude;
  }
}

// The eight values of an IQ1 point, each less or more by an eighth.
void put_thirds(uint64_t point, float scale, float delta, float* values) {
  for (size_t k = 0; k < 8; ++k) {
    const auto third = static_cast<int8_t>(static_cast<uint8_t>(point >> (8 * k)));
    values[k] = scale * (static_cast<float>(third) + delta);
  }
}

// d * (0.5 + s) / 4 with s in nibble `half` of `scales`.
float nibble_scale(float d, uint8_t scales, int half) {
  return d * (0.5f + static_cast<float>((scales >> (4 * half)) & 15)) * 0.25f;
}

constexpr float iq1_delta = 0.125f;

}  // namespace

void decode_block(const BlockIq2Xxs& block, float* values) {
  const float d = float_from_half(block.d);
  for (int i = 0; i < 8; ++i) {
    const uint32_t indices = word(block.qs + 4 * i);
    const uint32_t signs = word(block.qs + 4 * i + 2);
    const float scale = d * (0.5f + static_cast<float>(signs >> 28)) * 0.25f;
    for (int k = 0; k < 4; ++k) {
      put_magnitudes(iq2_xxs_codebook.entries[(indices >> (8 * k)) & 255], scale,
                     iq_signs((signs >> (7 * k)) & 127), values + 32 * i + 8 * k);
    }
  }
}

void decode_block(const BlockIq2Xs& block, float* values) {
  const float d = float_from_half(block.d);
  for (int k = 0; k < 32; ++k) {
    put_magnitudes(iq2_xs_codebook.entries[block.qs[k] & 511],
                   nibble_scale(d, block.scales[k / 4], k % 4 / 2), iq_signs(block.qs[k] >> 9),
                   values + 8 * k);
  }
}

void decode_block(const BlockIq2S& block, float* values) {
  const float d = float_from_half(block.d);
  for (int k = 0; k < 32; ++k) {
    const int index = block.qs[k] | (((block.qh[k / 4] >> (2 * (k % 4))) & 3) << 8);
    put_magnitudes(iq2_s_codebook.entries[index], nibble_scale(d, block.scales[k / 4], k % 4 / 2),
                   block.signs[k], values + 8 * k);
  }
}

void decode_block(const BlockIq3Xxs& block, float* values) {
  const float d = float_from_half(block.d);
  for (int k = 0; k < 64; ++k) {
    const uint32_t signs = word(block.signs_scales + k / 8 * 4);
    const float scale = d * (0.5f + static_cast<float>(signs >> 28)) * 0.5f;
    const int eighth = k % 8 / 2;  // each sign code is for two points
    put_magnitudes(iq3_xxs_codebook.entries[block.qs[k]], scale,
                   static_cast<uint32_t>(iq_signs((signs >> (7 * eighth)) & 127) >> (k % 2 * 4)),
                   values + 4 * k);
  }
}

void decode_block(const BlockIq3S& block, float* values) {
  const float d = float_from_half(block.d);
  for (int k = 0; k < 64; ++k) {
    const int index = block.qs[k] | (((block.qh[k / 8] >> (k % 8)) & 1) << 8);
    const int scale = (block.scales[k / 16] >> (k % 16 / 8 * 4)) & 15;
    put_magnitudes(iq3_s_codebook.entries[index], d * static_cast<float>(1 + 2 * scale),
                   static_cast<uint32_t>(block.signs[k / 2] >> (k % 2 * 4)), values + 4 * k);
  }
}

void decode_block(const BlockIq1S& block, float* values) {
  const float d = float_from_half(block.d);
  for (int k = 0; k < 32; ++k) {
    const int high = block.qh[k / 4];
    const int index = block.qs[k] | (((high >> (3 * (k % 4))) & 7) << 8);
    const float scale = d * static_cast<float>(2 * ((high >> 12) & 7) + 1);
    put_thirds(iq1_codebook.entries[index], scale, (high >> 15) != 0 ? -iq1_delta : iq1_delta,
               values + 8 * k);
  }
}

void decode_block(const BlockIq1M& block, float* values) {
  const float d = float_from_half(iq1_m_scale(block.scales));
  for (int k = 0; k < 32; ++k) {
    const int high = (block.qh[k / 2] >> (k % 2 * 4)) & 15;
    const int index = block.qs[k] | ((high & 7) << 8);
    const int sub = k / 4;
    const int scale = (block.scales[sub / 2] >> (6 * (sub % 2) + k % 4 / 2 * 3)) & 7;
    put_thirds(iq1_codebook.entries[index], d * static_cast<float>(2 * scale + 1),
               (high & 8) != 0 ? -iq1_delta : iq1_delta, values + 8 * k);
  }
}

}  // namespace hearth::engine
