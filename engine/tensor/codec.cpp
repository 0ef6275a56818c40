#include "engine/tensor/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/error.h"
#include "engine/tensor/block_codec.h"
#include "engine/tensor/half.h"

namespace hearth::engine {
namespace {

void decode_f32(const std::byte* blocks, float* values, int64_t count) {
  std::memcpy(values, blocks, static_cast<size_t>(count) * sizeof(float));
}

void encode_f32(const float* values, std::byte* blocks, int64_t count) {
  std::memcpy(blocks, values, static_cast<size_t>(count) * sizeof(float));
}

// Numbers as C++ has them; those that float cannot hold are rounded.
template <typename Number>
void decode_numbers(const std::byte* blocks, float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    Number number;
    std::memcpy(&number, blocks + static_cast<size_t>(i) * sizeof(Number), sizeof(Number));
    values[i] = static_cast<float>(number);
  }
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
constexpr Codec read_only(DType type) {
  return {type, decode_blocks<Block>, nullptr};
}

template <typename Block>
constexpr Codec both_ways(DType type) {
  return {type, decode_blocks<Block>, encode_blocks<Block>};
}

constexpr Codec codecs[] = {
    {DType::f32, decode_f32, encode_f32},
    {DType::f16, decode_16_bits<float_from_half>, encode_16_bits<half_from_float>},
    {DType::bf16, decode_16_bits<float_from_bfloat16>, encode_16_bits<bfloat16_from_float>},
    {DType::f64, decode_numbers<double>, nullptr},
    {DType::i8, decode_numbers<int8_t>, nullptr},
    {DType::i16, decode_numbers<int16_t>, nullptr},
    {DType::i32, decode_numbers<int32_t>, nullptr},
    {DType::i64, decode_numbers<int64_t>, nullptr},
    both_ways<BlockQ4_0>(DType::q4_0),
    both_ways<BlockQ4_1>(DType::q4_1),
    both_ways<BlockQ5_0>(DType::q5_0),
    both_ways<BlockQ5_1>(DType::q5_1),
    both_ways<BlockQ8_0>(DType::q8_0),
    read_only<BlockQ8_1>(DType::q8_1),
    both_ways<BlockQ2K>(DType::q2_k),
    both_ways<BlockQ3K>(DType::q3_k),
    both_ways<BlockQ4K>(DType::q4_k),
    both_ways<BlockQ5K>(DType::q5_k),
    both_ways<BlockQ6K>(DType::q6_k),
    read_only<BlockQ8K>(DType::q8_k),
    read_only<BlockIq2Xxs>(DType::iq2_xxs),
    read_only<BlockIq2Xs>(DType::iq2_xs),
    read_only<BlockIq2S>(DType::iq2_s),
    read_only<BlockIq3Xxs>(DType::iq3_xxs),
    read_only<BlockIq3S>(DType::iq3_s),
    read_only<BlockIq1S>(DType::iq1_s),
    read_only<BlockIq1M>(DType::iq1_m),
    both_ways<BlockIq4Nl>(DType::iq4_nl),
    both_ways<BlockIq4Xs>(DType::iq4_xs),
    both_ways<BlockTq1_0>(DType::tq1_0),
    both_ways<BlockTq2_0>(DType::tq2_0),
    read_only<BlockQ1_0>(DType::q1_0),
    read_only<BlockQ2_0>(DType::q2_0),
    both_ways<BlockMxfp4>(DType::mxfp4),
    read_only<BlockNvfp4>(DType::nvfp4),
};

const Codec& require_encoder(DType type) {
  const Codec& codec = codec_of(type);
  if (codec.encode != nullptr) return codec;
  std::string names;
  for (const Codec& other : codecs) {
    if (other.encode != nullptr)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", info(other.type).name);
  }
  throw Error(ErrorCode::unsupported,
              fmt::format("type {} can only be read; hearth writes {}", info(type).name, names));
}

}  // namespace

const Codec& codec_of(DType type) {
  const Codec* found = std::find_if(std::begin(codecs), std::end(codecs),
                                    [type](const Codec& codec) { return codec.type == type; });
  HEARTH_CHECK(found != std::end(codecs));
  return *found;
}

void decode(DType type, std::span<const std::byte> blocks, std::span<float> values) {
  const Codec& codec = codec_of(type);
  const auto count = static_cast<int64_t>(values.size());
  HEARTH_CHECK(static_cast<int64_t>(blocks.size()) == row_bytes(type, count));
  codec.decode(blocks.data(), values.data(), count);
}

void encode(DType type, std::span<const float> values, std::span<std::byte> blocks) {
  const Codec& codec = require_encoder(type);
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
