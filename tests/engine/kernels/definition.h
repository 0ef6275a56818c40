// docs/numerics.md as plain loops over single numbers: what every kernel table must equal bit for
// bit. Written from the page and the codecs, not from the kernels.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/kernels/q8_block.h"
#include "engine/tensor/blocks.h"
#include "engine/tensor/codec.h"
#include "engine/tensor/half.h"

namespace hearth::engine::definition {

inline float tree(float (&lanes)[16]) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

inline std::vector<Q8Block> quantize(const std::vector<float>& x) {
  std::vector<Q8Block> blocks((x.size() + 255) / 256);
  for (size_t b = 0; b < blocks.size(); ++b) {
    Q8Block& block = blocks[b];
    std::memset(&block, 0, sizeof(block));
    const size_t begin = b * 256;
    const size_t end = std::min(x.size(), begin + 256);
    float largest = 0.0f;
    for (size_t i = begin; i < end; ++i) largest = std::max(largest, std::fabs(x[i]));
    if (largest < 0x1p-100f) continue;
    const float factor = 127.0f / largest;
    block.scale = largest / 127.0f;
    for (size_t i = begin; i < end; ++i) {
      const int q = static_cast<int>(std::lrint(x[i] * factor));
      block.q[i - begin] = static_cast<int8_t>(q);
      block.sums16[(i - begin) / 16] = static_cast<int16_t>(block.sums16[(i - begin) / 16] + q);
      block.sums32[(i - begin) / 32] = static_cast<int16_t>(block.sums32[(i - begin) / 32] + q);
    }
  }
  return blocks;
}

// A block of 256 weights (or fewer at the end of a row) as the page names its parts.
struct WeightBlock {
  int sub_values = 32;
  std::vector<float> scales;  // per sub-block
  std::vector<int> weights;   // integers
  std::vector<int> mins;      // per sub-block; empty for formats without
  float dmin = 0.0f;
};

inline WeightBlock split_k(const uint8_t* packed, uint16_t d, uint16_t dmin, const uint8_t* qs,
                           const uint8_t* qh) {
  WeightBlock block;
  uint8_t scales[8];
  uint8_t mins[8];
  unpack_k_scales(packed, scales, mins);
  block.dmin = float_from_half(dmin);
  for (int j = 0; j < 8; ++j) {
    block.scales.push_back(float_from_half(d) * static_cast<float>(scales[j]));
    block.mins.push_back(mins[j]);
    for (int l = 0; l < 32; ++l) {
      const int low = qs[j / 2 * 32 + l] >> (j % 2 * 4) & 15;
      block.weights.push_back(low + (qh != nullptr ? (qh[l] >> j & 1) * 16 : 0));
    }
  }
  return block;
}

inline WeightBlock split_q6(const BlockQ6K& packed) {
  WeightBlock block;
  block.sub_values = 16;
  for (int j = 0; j < 16; ++j)
    block.scales.push_back(float_from_half(packed.d) * static_cast<float>(packed.scales[j]));
  for (int k = 0; k < 256; ++k) {
    const int half = k / 128, quarter = k % 128 / 32, l = k % 32;
    const int low = packed.ql[half * 64 + quarter % 2 * 32 + l] >> (quarter / 2 * 4) & 15;
    const int high = packed.qh[half * 32 + l] >> (2 * quarter) & 3;
    block.weights.push_back((low | high << 4) - 32);
  }
  return block;
}

inline WeightBlock split_block(DType type, const std::byte* bytes, int64_t values_left) {
  const auto as = [&]<class Block>(Block, int64_t index) {
    Block block;
    std::memcpy(&block, bytes + index * static_cast<int64_t>(sizeof(Block)), sizeof(Block));
    return block;
  };
  if (type == DType::q4_k) {
    const BlockQ4K b = as(BlockQ4K{}, 0);
    return split_k(b.scales, b.d, b.dmin, b.qs, nullptr);
  }
  if (type == DType::q5_k) {
    const BlockQ5K b = as(BlockQ5K{}, 0);
    return split_k(b.scales, b.d, b.dmin, b.qs, b.qh);
  }
  if (type == DType::q6_k) return split_q6(as(BlockQ6K{}, 0));
  WeightBlock block;
  for (int64_t j = 0; j < std::min<int64_t>(values_left / 32, 8); ++j) {
    if (type == DType::q8_0) {
      const BlockQ8_0 b = as(BlockQ8_0{}, j);
      block.scales.push_back(float_from_half(b.d));
      for (const int8_t q : b.qs) block.weights.push_back(q);
    } else {
      const BlockQ4_0 b = as(BlockQ4_0{}, j);
      block.scales.push_back(float_from_half(b.d));
      for (int l = 0; l < 32; ++l) block.weights.push_back((b.qs[l % 16] >> (l / 16 * 4) & 15) - 8);
    }
  }
  return block;
}

inline float block_product(const WeightBlock& block, const Q8Block& column) {
  float s = 0.0f;
  for (size_t j = 0; j < block.scales.size(); ++j) {
    int dot = 0;
    for (int l = 0; l < block.sub_values; ++l) {
      const size_t k = j * static_cast<size_t>(block.sub_values) + static_cast<size_t>(l);
      dot += block.weights[k] * column.q[k];
    }
    s = std::fma(block.scales[j], static_cast<float>(dot), s);
  }
  if (!block.mins.empty()) {
    int sum = 0;
    for (size_t j = 0; j < 8; ++j) sum += block.mins[j] * column.sums32[j];
    s = std::fma(-block.dmin, static_cast<float>(sum), s);
  }
  return s;
}

// Row . column for a format whose columns are q8.
inline float linear_q8(DType type, const std::byte* row, int64_t width,
                       const std::vector<Q8Block>& column) {
  const int64_t bytes = row_bytes(type, info(type).block_values) * (256 / info(type).block_values);
  float accumulator = 0.0f;
  for (int64_t begin = 0; begin < width; begin += 256) {
    const Q8Block& x = column[static_cast<size_t>(begin / 256)];
    const WeightBlock block = split_block(type, row + begin / 256 * bytes, width - begin);
    accumulator = std::fma(x.scale, block_product(block, x), accumulator);
  }
  return accumulator;
}

// Row . column for F32, F16 and BF16.
inline float linear_f32(const std::vector<float>& row, const std::vector<float>& column) {
  float lanes[16] = {};
  for (size_t k = 0; k < row.size(); ++k)
    lanes[k % 16] = std::fma(row[k], column[k], lanes[k % 16]);
  return tree(lanes);
}

}  // namespace hearth::engine::definition
