#include "engine/tensor/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/error.h"
#include "engine/tensor/blocks.h"
#include "engine/tensor/codec_k.h"
#include "engine/tensor/half.h"

namespace hearth::engine {
namespace {

constexpr float half_max = 65504.0f;

void decode_f32(const std::byte* blocks, float* values, int64_t count) {
  std::memcpy(values, blocks, static_cast<size_t>(count) * sizeof(float));
}

void encode_f32(const float* values, std::byte* blocks, int64_t count) {
  std::memcpy(blocks, values, static_cast<size_t>(count) * sizeof(float));
}

// Types of 16 bits per value with a conversion each way.
template <float (*convert)(uint16_t)>
void decode_16_bits(const std::byte* blocks, float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, blocks + 2 * i, sizeof(bits));
    values[i] = convert(bits);
  }
}

template <uint16_t (*convert)(float)>
void encode_16_bits(const float* values, std::byte* blocks, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const uint16_t bits = convert(values[i]);
    std::memcpy(blocks + 2 * i, &bits, sizeof(bits));
  }
}

void decode_block(const BlockQ4_0& block, float* values) {
  const float d = float_from_half(block.d);
  for (int j = 0; j < 16; ++j) {
    values[j] = static_cast<float>((block.qs[j] & 15) - 8) * d;
    values[j + 16] = static_cast<float>((block.qs[j] >> 4) - 8) * d;
  }
}

void decode_block(const BlockQ8_0& block, float* values) {
  const float d = float_from_half(block.d);
  for (int j = 0; j < 32; ++j) values[j] = static_cast<float>(block.qs[j]) * d;
}

// 1 / d, or 0 where d is so small that every value of the block becomes zero.
float inverse_or_zero(float d) {
  const float inverse = 1.0f / d;
  return d != 0.0f && std::isfinite(inverse) ? inverse : 0.0f;
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

template <typename Block>
void decode_blocks(const std::byte* blocks, float* values, int64_t count) {
  for (int64_t i = 0; i < count / Block::values; ++i) {
    Block block;
    std::memcpy(&block, blocks + static_cast<size_t>(i) * sizeof(Block), sizeof(Block));
    decode_block(block, values + i * Block::values);
  }
}

template <typename Block>
void encode_blocks(const float* values, std::byte* blocks, int64_t count) {
  for (int64_t i = 0; i < count / Block::values; ++i) {
    Block block;
    encode_block(values + i * Block::values, block);
    std::memcpy(blocks + static_cast<size_t>(i) * sizeof(Block), &block, sizeof(Block));
  }
}

template <typename Block>
constexpr Codec block_codec(DType type) {
  return {type, decode_blocks<Block>, encode_blocks<Block>};
}

constexpr Codec codecs[] = {
    {DType::f32, decode_f32, encode_f32},
    {DType::f16, decode_16_bits<float_from_half>, encode_16_bits<half_from_float>},
    {DType::bf16, decode_16_bits<float_from_bfloat16>, encode_16_bits<bfloat16_from_float>},
    block_codec<BlockQ4_0>(DType::q4_0),
    block_codec<BlockQ8_0>(DType::q8_0),
    block_codec<BlockQ4K>(DType::q4_k),
    block_codec<BlockQ5K>(DType::q5_k),
    block_codec<BlockQ6K>(DType::q6_k),
};

const Codec& require_codec(DType type) {
  const Codec* codec = find_codec(type);
  if (codec == nullptr) {
    throw Error(ErrorCode::unsupported,
                fmt::format("hearth cannot compute with tensors of type {} yet", info(type).name));
  }
  return *codec;
}

}  // namespace

const Codec* find_codec(DType type) {
  for (const Codec& codec : codecs) {
    if (codec.type == type) return &codec;
  }
  return nullptr;
}

void decode(DType type, std::span<const std::byte> blocks, std::span<float> values) {
  const Codec& codec = require_codec(type);
  const auto count = static_cast<int64_t>(values.size());
  HEARTH_CHECK(static_cast<int64_t>(blocks.size()) == row_bytes(type, count));
  codec.decode(blocks.data(), values.data(), count);
}

void encode(DType type, std::span<const float> values, std::span<std::byte> blocks) {
  const Codec& codec = require_codec(type);
  const auto count = static_cast<int64_t>(values.size());
  HEARTH_CHECK(static_cast<int64_t>(blocks.size()) == row_bytes(type, count));
  if (info(type).block_values > 1) {
    const auto wrong = std::find_if(values.begin(), values.end(),
                                    [](float value) { return !std::isfinite(value); });
    if (wrong != values.end()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("value {} is {}, expected a finite number for type {}",
                              wrong - values.begin(), *wrong, info(type).name));
    }
  }
  codec.encode(values.data(), blocks.data(), count);
}

}  // namespace hearth::engine
