// The parts of 256 weights as docs/numerics.md names them, read value by value from the layouts of
// tensor/blocks*.h: the integers, the scale of each sub-block, the minimums. Written from the page,
// not from the kernels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "engine/tensor/blocks.h"
#include "engine/tensor/blocks_few_bits.h"
#include "engine/tensor/blocks_iq.h"
#include "engine/tensor/codebooks.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/half.h"

namespace hearth::engine::definition {

// 256 weights, or fewer at the end of a row.
struct WeightBlock {
  int sub_values = 32;
  std::vector<float> scales;      // per sub-block
  std::vector<int> weights;       // integers
  std::vector<int> mins;          // per sub-block; empty for formats without
  float dmin = 0.0f;              // what these are multiplied by, negated
  std::vector<float> float_mins;  // per sub-block; empty for formats without
};

inline int low_or_high(uint8_t byte, int which) {
  return byte >> (4 * which) & 15;
}
// Code j of 32 in 16 bytes: low nibbles first.
inline int nibble_32(const uint8_t* qs, int j) {
  return low_or_high(qs[j % 16], j / 16);
}
// Two bits of element k of 256 in 64 bytes: planes of 32 in halves of 128.
inline int plane_bits(const uint8_t* qs, int k) {
  return qs[k / 128 * 32 + k % 32] >> (k % 128 / 32 * 2) & 3;
}

inline void split(const BlockQ4_0& b, WeightBlock& out) {
  out.scales.push_back(float_from_half(b.d));
  for (int j = 0; j < 32; ++j) out.weights.push_back(nibble_32(b.qs, j) - 8);
}
inline void split(const BlockQ4_1& b, WeightBlock& out) {
  out.scales.push_back(float_from_half(b.d));
  out.float_mins.push_back(float_from_half(b.m));
  for (int j = 0; j < 32; ++j) out.weights.push_back(nibble_32(b.qs, j));
}
inline void split(const BlockQ5_0& b, WeightBlock& out) {
  out.scales.push_back(float_from_half(b.d));
  for (int j = 0; j < 32; ++j)
    out.weights.push_back(nibble_32(b.qs, j) + (b.qh[j / 8] >> j % 8 & 1) * 16 - 16);
}
inline void split(const BlockQ5_1& b, WeightBlock& out) {
  out.scales.push_back(float_from_half(b.d));
  out.float_mins.push_back(float_from_half(b.m));
  for (int j = 0; j < 32; ++j)
    out.weights.push_back(nibble_32(b.qs, j) + (b.qh[j / 8] >> j % 8 & 1) * 16);
}
inline void split(const BlockQ8_0& b, WeightBlock& out) {
  out.scales.push_back(float_from_half(b.d));
  for (const int8_t q : b.qs) out.weights.push_back(q);
}
inline void split(const BlockQ2K& b, WeightBlock& out) {
  out.sub_values = 16;
  out.dmin = float_from_half(b.dmin);
  for (const uint8_t scale : b.scales) {
    out.scales.push_back(float_from_half(b.d) * static_cast<float>(scale & 15));
    out.mins.push_back(scale >> 4);
  }
  for (int k = 0; k < 256; ++k) out.weights.push_back(plane_bits(b.qs, k));
}
inline void split(const BlockQ3K& b, WeightBlock& out) {
  out.sub_values = 16;
  int8_t scales[16];
  unpack_q3_k_scales(b.scales, scales);
  for (const int8_t scale : scales)
    out.scales.push_back(float_from_half(b.d) * static_cast<float>(scale));
  for (int k = 0; k < 256; ++k)
    out.weights.push_back(plane_bits(b.qs, k) + (b.hmask[k % 32] >> (k / 32) & 1) * 4 - 4);
}
inline void split_k(const uint8_t* packed, uint16_t d, uint16_t dmin, const uint8_t* qs,
                    const uint8_t* qh, WeightBlock& out) {
  uint8_t scales[8];
  uint8_t mins[8];
  unpack_k_scales(packed, scales, mins);
  out.dmin = float_from_half(dmin);
  for (int j = 0; j < 8; ++j) {
    out.scales.push_back(float_from_half(d) * static_cast<float>(scales[j]));
    out.mins.push_back(mins[j]);
    for (int l = 0; l < 32; ++l) {
      const int low = low_or_high(qs[j / 2 * 32 + l], j % 2);
      out.weights.push_back(low + (qh != nullptr ? (qh[l] >> j & 1) * 16 : 0));
    }
  }
}
inline void split(const BlockQ4K& b, WeightBlock& out) {
  split_k(b.scales, b.d, b.dmin, b.qs, nullptr, out);
}
inline void split(const BlockQ5K& b, WeightBlock& out) {
  split_k(b.scales, b.d, b.dmin, b.qs, b.qh, out);
}
inline void split(const BlockQ6K& b, WeightBlock& out) {
  out.sub_values = 16;
  for (const int8_t scale : b.scales)
    out.scales.push_back(float_from_half(b.d) * static_cast<float>(scale));
  for (int k = 0; k < 256; ++k) {
    const int half = k / 128, quarter = k % 128 / 32, l = k % 32;
    const int low = low_or_high(b.ql[half * 64 + quarter % 2 * 32 + l], quarter / 2);
    const int high = b.qh[half * 32 + l] >> (2 * quarter) & 3;
    out.weights.push_back((low | high << 4) - 32);
  }
}

inline void split(const BlockIq4Nl& b, WeightBlock& out) {
  out.scales.push_back(float_from_half(b.d));
  for (int j = 0; j < 32; ++j) out.weights.push_back(iq4_levels[nibble_32(b.qs, j)]);
}
inline void split(const BlockIq4Xs& b, WeightBlock& out) {
  for (int i = 0; i < 8; ++i) {
    const int scale = low_or_high(b.scales_l[i / 2], i % 2) | (b.scales_h >> (2 * i) & 3) << 4;
    out.scales.push_back(float_from_half(b.d) * static_cast<float>(scale - 32));
    for (int j = 0; j < 32; ++j) out.weights.push_back(iq4_levels[nibble_32(b.qs + 16 * i, j)]);
  }
}
inline void split(const BlockMxfp4& b, WeightBlock& out) {
  out.scales.push_back(e8m0_half(b.e));
  for (int j = 0; j < 32; ++j) out.weights.push_back(e2m1_doubled[nibble_32(b.qs, j)]);
}
inline void split(const BlockNvfp4& b, WeightBlock& out) {
  out.sub_values = 16;
  for (int group = 0; group < 4; ++group) {
    out.scales.push_back(ue4m3_half(b.d[group]));
    for (int j = 0; j < 16; ++j)
      out.weights.push_back(e2m1_doubled[low_or_high(b.qs[8 * group + j % 8], j / 8)]);
  }
}

inline void split(const BlockTq1_0& b, WeightBlock& out) {
  out.scales.assign(8, float_from_half(b.d));
  const auto digit = [](uint8_t byte, int n) {
    for (int i = 0; i < n; ++i) byte = static_cast<uint8_t>(byte * 3);
    return (byte * 3 >> 8) - 1;
  };
  for (int k = 0; k < 160; ++k) out.weights.push_back(digit(b.qs[k % 32], k / 32));
  for (int k = 0; k < 80; ++k) out.weights.push_back(digit(b.qs[32 + k % 16], k / 16));
  for (int k = 0; k < 16; ++k) out.weights.push_back(digit(b.qh[k % 4], k / 4));
}
inline void split(const BlockTq2_0& b, WeightBlock& out) {
  out.scales.assign(8, float_from_half(b.d));
  for (int k = 0; k < 256; ++k) out.weights.push_back(plane_bits(b.qs, k) - 1);
}
inline void split(const BlockQ1_0& b, WeightBlock& out) {
  out.scales.insert(out.scales.end(), 4, float_from_half(b.d));
  for (int j = 0; j < 128; ++j) out.weights.push_back((b.qs[j / 8] >> j % 8 & 1) != 0 ? 1 : -1);
}
inline void split(const BlockQ2_0& b, WeightBlock& out) {
  out.scales.insert(out.scales.end(), 2, float_from_half(b.d));
  for (int j = 0; j < 64; ++j) out.weights.push_back((b.qs[j / 4] >> j % 4 * 2 & 3) - 1);
}

// One point of a book with its signs, a set bit for minus.
template <class Entry, int count>
void add_point(const Codebook<Entry, count>& book, int index, int signs, WeightBlock& out) {
  for (int i = 0; i < static_cast<int>(sizeof(Entry)); ++i) {
    const int size = static_cast<int8_t>(book.entries[index] >> (8 * i));
    out.weights.push_back((signs >> i & 1) != 0 ? -size : size);
  }
}
inline float odd_scale(float d, uint32_t s) {
  return d * static_cast<float>(2 * s + 1);
}
inline uint32_t word_at(const void* p) {
  uint32_t word;
  std::memcpy(&word, p, 4);
  return word;
}

inline void split(const BlockIq2Xxs& b, WeightBlock& out) {
  for (int i = 0; i < 8; ++i) {
    const uint32_t index = word_at(b.qs + 4 * i), signs = word_at(b.qs + 4 * i + 2);
    out.scales.push_back(odd_scale(float_from_half(b.d) * 0.125f, signs >> 28));
    for (int p = 0; p < 4; ++p)
      add_point(iq2_xxs_codebook, index >> 8 * p & 255, iq_signs(signs >> 7 * p & 127), out);
  }
}
inline void split(const BlockIq2Xs& b, WeightBlock& out) {
  out.sub_values = 16;
  for (int j = 0; j < 16; ++j) {
    const auto s = static_cast<uint32_t>(low_or_high(b.scales[j / 2], j % 2));
    out.scales.push_back(odd_scale(float_from_half(b.d) * 0.125f, s));
  }
  for (const uint16_t q : b.qs)
    add_point(iq2_xs_codebook, q & 511, iq_signs(static_cast<uint32_t>(q) >> 9), out);
}
inline void split(const BlockIq2S& b, WeightBlock& out) {
  out.sub_values = 16;
  for (int j = 0; j < 16; ++j) {
    const auto s = static_cast<uint32_t>(low_or_high(b.scales[j / 2], j % 2));
    out.scales.push_back(odd_scale(float_from_half(b.d) * 0.125f, s));
  }
  for (int k = 0; k < 32; ++k) {
    const int index = b.qs[k] | (b.qh[k / 4] >> (k % 4 * 2) & 3) << 8;
    add_point(iq2_s_codebook, index, b.signs[k], out);
  }
}
inline void split(const BlockIq3Xxs& b, WeightBlock& out) {
  for (int i = 0; i < 8; ++i) {
    const uint32_t word = word_at(b.signs_scales + 4 * i);
    out.scales.push_back(odd_scale(float_from_half(b.d) * 0.25f, word >> 28));
    for (int p = 0; p < 8; ++p) {
      const int signs = iq_signs(word >> (p / 2 * 7) & 127) >> (p % 2 * 4);
      add_point(iq3_xxs_codebook, b.qs[8 * i + p], signs, out);
    }
  }
}
inline void split(const BlockIq3S& b, WeightBlock& out) {
  for (int i = 0; i < 8; ++i) {
    const auto s = static_cast<uint32_t>(low_or_high(b.scales[i / 2], i % 2));
    out.scales.push_back(odd_scale(float_from_half(b.d), s));
  }
  for (int k = 0; k < 64; ++k) {
    const int index = b.qs[k] | (b.qh[k / 8] >> k % 8 & 1) << 8;
    add_point(iq3_s_codebook, index, b.signs[k / 2] >> (k % 2 * 4), out);
  }
}
// Eight times a point and its delta.
inline void add_moved_point(int index, bool is_minus, WeightBlock& out) {
  for (int i = 0; i < 8; ++i) {
    const int value = static_cast<int8_t>(iq1_codebook.entries[index] >> (8 * i));
    out.weights.push_back(8 * value + (is_minus ? -1 : 1));
  }
}
inline void split(const BlockIq1S& b, WeightBlock& out) {
  for (const uint16_t high : b.qh)
    out.scales.push_back(odd_scale(float_from_half(b.d) * 0.125f, high >> 12 & 7u));
  for (int k = 0; k < 32; ++k) {
    const int high = b.qh[k / 4];
    add_moved_point(b.qs[k] | (high >> (k % 4 * 3) & 7) << 8, high >> 15 != 0, out);
  }
}
inline void split(const BlockIq1M& b, WeightBlock& out) {
  out.sub_values = 16;
  const float d = float_from_half(iq1_m_scale(b.scales)) * 0.125f;
  for (int j = 0; j < 16; ++j)
    out.scales.push_back(odd_scale(d, b.scales[j / 4] >> (j % 4 * 3) & 7u));
  for (int k = 0; k < 32; ++k) {
    const int high = low_or_high(b.qh[k / 2], k % 2);
    add_moved_point(b.qs[k] | (high & 7) << 8, high >> 3 != 0, out);
  }
}

// Up to 256 values of one row.
template <class Block>
WeightBlock split_blocks(const std::byte* bytes, int64_t values_left) {
  WeightBlock out;
  for (int64_t begin = 0; begin < std::min<int64_t>(values_left, 256); begin += Block::values) {
    Block block;
    std::memcpy(&block, bytes, sizeof(Block));
    bytes += sizeof(Block);
    split(block, out);
  }
  return out;
}

struct Splitter {
  DType type;
  WeightBlock (*split)(const std::byte* bytes, int64_t values_left);
};

// Every format whose columns are q8.
inline constexpr Splitter splitters[] = {
    {DType::q8_0, split_blocks<BlockQ8_0>},      {DType::q4_0, split_blocks<BlockQ4_0>},
    {DType::q4_1, split_blocks<BlockQ4_1>},      {DType::q5_0, split_blocks<BlockQ5_0>},
    {DType::q5_1, split_blocks<BlockQ5_1>},      {DType::q2_k, split_blocks<BlockQ2K>},
    {DType::q3_k, split_blocks<BlockQ3K>},       {DType::q4_k, split_blocks<BlockQ4K>},
    {DType::q5_k, split_blocks<BlockQ5K>},       {DType::q6_k, split_blocks<BlockQ6K>},
    {DType::iq1_s, split_blocks<BlockIq1S>},     {DType::iq1_m, split_blocks<BlockIq1M>},
    {DType::iq2_xxs, split_blocks<BlockIq2Xxs>}, {DType::iq2_xs, split_blocks<BlockIq2Xs>},
    {DType::iq2_s, split_blocks<BlockIq2S>},     {DType::iq3_xxs, split_blocks<BlockIq3Xxs>},
    {DType::iq3_s, split_blocks<BlockIq3S>},     {DType::iq4_nl, split_blocks<BlockIq4Nl>},
    {DType::iq4_xs, split_blocks<BlockIq4Xs>},   {DType::mxfp4, split_blocks<BlockMxfp4>},
    {DType::nvfp4, split_blocks<BlockNvfp4>},    {DType::tq1_0, split_blocks<BlockTq1_0>},
    {DType::tq2_0, split_blocks<BlockTq2_0>},    {DType::q1_0, split_blocks<BlockQ1_0>},
    {DType::q2_0, split_blocks<BlockQ2_0>},
};

inline WeightBlock split_block(DType type, const std::byte* bytes, int64_t values_left) {
  for (const Splitter& row : splitters) {
    if (row.type == type) return row.split(bytes, values_left);
  }
  return {};
}

}  // namespace hearth::engine::definition
