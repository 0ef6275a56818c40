// docs/numerics.md as plain loops over single numbers: what every kernel table must equal bit for
// bit. Written from the page and the codecs, not from the kernels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

// Row . column for F32, F16 and BF16.
inline float linear_f32(const std::vector<float>& row, const std::vector<float>& column) {
  float lanes[16] = {};
  for (size_t k = 0; k < row.size(); ++k)
    lanes[k % 16] = std::fma(row[k], column[k], lanes[k % 16]);
  return tree(lanes);
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

// Keys or values as a cache of this type gives them back; heads of a multiple of 32 values where it
// is quantised.
inline void round_kv(KvType type, std::vector<float>& values) {
  if (type == KvType::f32) return;
  if (type == KvType::f16) {
    for (float& value : values) value = float_from_half(half_from_float(value));
    return;
  }
  for (size_t i = 0; i < values.size(); i += 32) round_kv_block(type, values.data() + i);
}

}  // namespace hearth::engine::definition
