// docs/numerics.md as plain loops over single numbers: what every kernel table must equal bit for
// bit. Written from the page and the codecs, not from the kernels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/kernels/q8_block.h"
#include "engine/tensor/codec.h"
#include "tests/engine/kernels/weight_blocks.h"

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
  for (size_t j = 0; j < block.float_mins.size(); ++j)
    s = std::fma(block.float_mins[j], static_cast<float>(column.sums32[j]), s);
  if (!block.mins.empty()) {
    int sum = 0;
    for (size_t j = 0; j < block.mins.size(); ++j)
      sum += block.mins[j] * (block.sub_values == 16 ? column.sums16[j] : column.sums32[j]);
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

// Weights with one scale for up to 512 of a row, as the prompt role has them on tables with tiles.
struct FoldedBlock {
  std::vector<int> weights;
  float scale = 0.0f;
};

inline float weight_offset(const WeightBlock& block, size_t sub) {
  if (!block.mins.empty()) return -block.dmin * static_cast<float>(block.mins[sub]);
  return block.float_mins.empty() ? 0.0f : block.float_mins[sub];
}

// The least and the largest weight of sub-block `sub`.
inline std::pair<int, int> weight_range(const WeightBlock& block, size_t sub) {
  const auto begin = block.weights.begin() + static_cast<long>(sub) * block.sub_values;
  const auto [least, largest] = std::minmax_element(begin, begin + block.sub_values);
  return {*least, *largest};
}

inline FoldedBlock fold(const std::vector<WeightBlock>& blocks) {
  float extreme = 0.0f;
  for (const WeightBlock& block : blocks) {
    for (size_t j = 0; j < block.scales.size(); ++j) {
      const std::pair<int, int> range = weight_range(block, j);
      for (const int w : {range.first, range.second}) {
        const float value =
            std::fma(block.scales[j], static_cast<float>(w), weight_offset(block, j));
        extreme = std::max(extreme, std::fabs(value));
      }
    }
  }
  FoldedBlock folded;
  const bool is_zero = extreme < 0x1p-100f;
  const float factor = is_zero ? 0.0f : 32512.0f / extreme;
  folded.scale = is_zero ? 0.0f : extreme / 127.0f;
  for (const WeightBlock& block : blocks) {
    for (size_t k = 0; k < block.weights.size(); ++k) {
      const size_t j = k / static_cast<size_t>(block.sub_values);
      const long step = std::lrint(block.scales[j] * factor);
      const long start = std::lrint(weight_offset(block, j) * factor) + 128;
      folded.weights.push_back(static_cast<int>((block.weights[k] * step + start) >> 8));
    }
  }
  return folded;
}

// A column's part of up to 512 values: q and low parts, which are zero where none are wanted.
struct GuardedBlock {
  std::vector<int> q, low;
  float scale = 0.0f;
  bool is_guarded = false;
};

inline GuardedBlock quantize_guarded(const float* x, size_t count) {
  GuardedBlock block;
  float largest = 0.0f;
  float lanes[16] = {};
  for (size_t i = 0; i < count; ++i) {
    largest = std::max(largest, std::fabs(x[i]));
    lanes[i % 16] = std::fma(x[i], x[i], lanes[i % 16]);
  }
  const bool is_zero = largest < 0x1p-100f;
  block.scale = is_zero ? 0.0f : largest / 127.0f;
  block.is_guarded = largest * largest > 0.125f * tree(lanes);
  for (size_t i = 0; i < count; ++i) {
    const long q = is_zero ? 0 : std::lrint(x[i] * (127.0f / largest));
    const float error = std::fma(-block.scale, static_cast<float>(q), x[i]);
    const long low = std::min(127L, is_zero ? 0 : std::lrint(error * (32512.0f / largest)));
    block.q.push_back(static_cast<int>(q));
    block.low.push_back(block.is_guarded ? static_cast<int>(low) : 0);
  }
  return block;
}

// Row . column as `linear_q8` has them, in the prompt role of tables with tiles.
inline float linear_guarded(DType type, const std::byte* row, int64_t width,
                            const std::vector<float>& column) {
  const int64_t bytes = row_bytes(type, info(type).block_values) * (256 / info(type).block_values);
  float accumulator = 0.0f;
  for (int64_t begin = 0; begin < width; begin += 512) {
    std::vector<WeightBlock> blocks;
    for (int64_t at = begin; at < std::min(width, begin + 512); at += 256)
      blocks.push_back(split_block(type, row + at / 256 * bytes, width - at));
    const FoldedBlock folded = fold(blocks);
    const GuardedBlock x = quantize_guarded(
        column.data() + begin, static_cast<size_t>(std::min<int64_t>(512, width - begin)));
    int dot = 0;
    int low = 0;
    for (size_t k = 0; k < x.q.size(); ++k) {
      dot += folded.weights[k] * x.q[k];
      low += folded.weights[k] * x.low[k];
    }
    const float product = x.is_guarded
                              ? static_cast<float>(256 * dot + low) * (folded.scale * 0x1p-8f)
                              : static_cast<float>(dot) * folded.scale;
    accumulator = std::fma(x.scale, product, accumulator);
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

// Row . column for quantised weights and columns of floats.
inline float linear_precise(DType type, const std::byte* row, int64_t width,
                            const std::vector<float>& column) {
  const int64_t bytes = row_bytes(type, info(type).block_values) * (256 / info(type).block_values);
  float accumulator = 0.0f;
  for (int64_t begin = 0; begin < width; begin += 256) {
    const WeightBlock block = split_block(type, row + begin / 256 * bytes, width - begin);
    float sums[2] = {};
    for (int64_t k = 0; k < std::min<int64_t>(256, width - begin); ++k) {
      const auto at = static_cast<size_t>(k);
      const size_t sub = at / static_cast<size_t>(block.sub_values);
      const float value = std::fma(block.scales[sub], static_cast<float>(block.weights[at]),
                                   weight_offset(block, sub));
      sums[k % 2] = std::fma(value, column[static_cast<size_t>(begin) + at], sums[k % 2]);
    }
    accumulator += sums[0] + sums[1];
  }
  return accumulator;
}

// 32 values as a quantised cache gives them back.
inline void round_kv_block(KvType type, float* x) {
  float extreme = 0.0f;
  for (int i = 0; i < 32; ++i) {
    // Of a value and its opposite the negative one counts.
    if (std::fabs(x[i]) > std::fabs(extreme) || x[i] == -std::fabs(extreme)) extreme = x[i];
  }
  const bool is_q8 = type == KvType::q8_0;
  const float size = is_q8 ? std::fabs(extreme) : extreme;
  const float levels = is_q8 ? 127.0f : -8.0f;
  const bool is_zero = std::fabs(extreme) < 0x1p-100f;
  const float factor = is_zero ? 0.0f : levels / size;
  const float d = float_from_half(
      half_from_float(is_zero ? 0.0f : std::clamp(size / levels, -65504.0f, 65504.0f)));
  for (int i = 0; i < 32; ++i) {
    const float scaled = x[i] * factor;
    x[i] = static_cast<float>(std::lrint(is_q8 ? scaled : std::min(scaled, 7.0f))) * d;
  }
}

// Heads of `dim` values as a cache of Q4_0 turns them, and back.
inline void rotate(std::vector<float>& values, int64_t dim) {
  const auto count = static_cast<size_t>(dim & -dim);
  const float factor = 1.0f / std::sqrt(static_cast<float>(count));
  for (size_t block = 0; block < values.size(); block += count) {
    for (size_t apart = 1; apart < count; apart *= 2) {
      for (size_t i = block; i < block + count; ++i) {
        if ((i - block) / apart % 2 != 0) continue;
        const float a = values[i];
        const float b = values[i + apart];
        values[i] = a + b;
        values[i + apart] = a - b;
      }
    }
    for (size_t i = block; i < block + count; ++i) values[i] *= factor;
  }
}

inline bool is_rotated(KvType type) {
  return type == KvType::q4_0;
}

// Keys or values of heads of `dim` values as a cache of this type keeps them; `dim` is a multiple
// of 32 where it is quantised. Those of a rotated type stay rotated.
inline void round_kv(KvType type, std::vector<float>& values, int64_t dim) {
  if (type == KvType::f32) return;
  if (type == KvType::f16) {
    for (float& value : values) value = float_from_half(half_from_float(value));
    return;
  }
  if (is_rotated(type)) rotate(values, dim);
  for (size_t i = 0; i < values.size(); i += 32) round_kv_block(type, values.data() + i);
}

}  // namespace hearth::engine::definition
