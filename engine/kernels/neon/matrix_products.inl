// Panels times int8 columns by SMMLA, bit for bit as ops/linear_blocks.inl does it: an instruction
// adds the dots of eight values of two columns with two rows, exactly. Scales, minimums and the
// order of additions are those of every table; only the lanes differ: column 0 with rows 0 and 1,
// column 1 with rows 0 and 1.
#pragma once

#include "engine/kernels/neon/dot_products.inl"

// Fewer columns are quicker by dot products, which take panels as they are unpacked.
constexpr int64_t matrix_columns_min = 4;
// Pairs of columns and of rows in registers: dots and sums take two for each pair of pairs.
constexpr int column_pairs_max = 2;
constexpr int row_pairs = 4;

// Puts a panel's bytes into this file's order. The weights become [k / 8][row][k % 8]; integer
// minimums become bytes [sub-block / 8][row][sub-block % 8] in the place of their pairs.
template <class Shape>
inline void pair_values(Panel& panel) {
  for (int k = 0; k < 64; k += 2) {
    const I32x16 low = load_i32(panel.weights[k]);
    const I32x16 high = load_i32(panel.weights[k + 1]);
    for (int i = 0; i < 4; ++i) {
      uint8_t* to = panel.weights[k] + 32 * i;
      vst1q_u8(to, as_bytes(vzip1q_u32(low.v[i], high.v[i])));
      vst1q_u8(to + 16, as_bytes(vzip2q_u32(low.v[i], high.v[i])));
    }
  }
  if constexpr (Shape::mins == Mins::per_32 || Shape::mins == Mins::per_16) {
    constexpr int groups = Shape::mins == Mins::per_32 ? 1 : 2;
    for (int group = 0; group < groups; ++group) {
      I32x16 pairs[4];
      for (int i = 0; i < 4; ++i) pairs[i] = load_i32(panel.min_pairs[4 * group + i]);
      uint16_t bytes[4][16];  // [four rows][row][pair of minimums]
      for (int i = 0; i < 4; ++i) {
        const auto narrow = [&](int pair) {
          return vreinterpret_u16_u8(vmovn_u16(vreinterpretq_u16_u32(pairs[pair].v[i])));
        };
        vst4_u16(bytes[i], {{narrow(0), narrow(1), narrow(2), narrow(3)}});
      }
      __builtin_memcpy(panel.min_pairs[2 * group], bytes, sizeof(bytes));
    }
  }
}

// What a tile multiplies: eight rows of a panel, from `row` on, with pairs of columns.
template <int pairs>
struct MatrixTile {
  const Panel& panel;
  int row;
  const Q8Block* column[2 * pairs];
};

// [pair of rows][pair of columns]
template <int pairs>
struct PairDots {
  int32x4_t v[row_pairs][pairs];
};
template <int pairs>
struct PairSums {
  float32x4_t v[row_pairs][pairs];
};

// Two neighbours, twice.
inline float32x4_t load_twice(const float* p) {
  const float32x2_t two = vld1_f32(p);
  return vcombine_f32(two, two);
}
inline float32x4_t splat_two(float a, float b) {
  return vcombine_f32(vdup_n_f32(a), vdup_n_f32(b));
}

// Dots of eight values each.
template <int pairs>
[[gnu::always_inline]] inline void add_eight(const uint8_t* weights, const int64x2_t (&x)[pairs],
                                             PairDots<pairs>& dots) {
#pragma GCC unroll 4
  for (int r = 0; r < row_pairs; ++r) {
    const int8x16_t w = load_signed(weights + 16 * r);
#pragma GCC unroll 4
    for (int p = 0; p < pairs; ++p)
      dots.v[r][p] = vmmlaq_s32(dots.v[r][p], vreinterpretq_s8_s64(x[p]), w);
  }
}

// Dots of 16 values from `k` on, whose weights begin at `weights`.
template <int pairs>
[[gnu::always_inline]] inline void add_pair_dots(const MatrixTile<pairs>& tile, int k,
                                                 const uint8_t* weights, PairDots<pairs>& dots) {
  int64x2_t first[pairs], second[pairs];
#pragma GCC unroll 4
  for (int p = 0; p < pairs; ++p) {
    const int64x2_t a = vreinterpretq_s64_s8(vld1q_s8(tile.column[2 * p]->q + k));
    const int64x2_t b = vreinterpretq_s64_s8(vld1q_s8(tile.column[2 * p + 1]->q + k));
    first[p] = vzip1q_s64(a, b);
    second[p] = vzip2q_s64(a, b);
  }
  add_eight(weights, first, dots);
  add_eight(weights + 128, second, dots);
}

// sums += factor * dots, with the factors of the tile's rows at `factors`.
template <int pairs>
[[gnu::always_inline]] inline void scale_pair_dots(const float* factors,
                                                   const PairDots<pairs>& dots,
                                                   PairSums<pairs>& sums) {
#pragma GCC unroll 4
  for (int r = 0; r < row_pairs; ++r) {
    const float32x4_t factor = load_twice(factors + 2 * r);
#pragma GCC unroll 4
    for (int p = 0; p < pairs; ++p)
      sums.v[r][p] = vfmaq_f32(sums.v[r][p], factor, vcvtq_f32_s32(dots.v[r][p]));
  }
}

// The sums of a column's values are too large for bytes: they are taken as 128 * high + low.
template <class Shape, int pairs>
[[gnu::always_inline]] inline void add_integer_mins(const MatrixTile<pairs>& tile,
                                                    PairSums<pairs>& sums) {
  constexpr int groups = Shape::mins == Mins::per_32 ? 1 : 2;
  int8x16_t high[groups][pairs], low[groups][pairs];
#pragma GCC unroll 8
  for (int i = 0; i < groups * pairs; ++i) {
    const auto column_sums = [&](int column) {
      const Q8Block& block = *tile.column[2 * (i % pairs) + column];
      return vld1q_s16(groups == 1 ? block.sums32 : block.sums16 + 8 * (i / pairs));
    };
    const int16x8_t a = column_sums(0);
    const int16x8_t b = column_sums(1);
    const int16x8_t seven_bits = vdupq_n_s16(127);
    high[i / pairs][i % pairs] = vcombine_s8(vshrn_n_s16(a, 7), vshrn_n_s16(b, 7));
    low[i / pairs][i % pairs] =
        vcombine_s8(vmovn_s16(vandq_s16(a, seven_bits)), vmovn_s16(vandq_s16(b, seven_bits)));
  }
  PairDots<pairs> dots;
#pragma GCC unroll 4
  for (int r = 0; r < row_pairs; ++r) {
#pragma GCC unroll 4
    for (int p = 0; p < pairs; ++p) {
      int8x16_t mins[groups];
      int32x4_t dot = vdupq_n_s32(0);
      for (int g = 0; g < groups; ++g) {
        mins[g] = load_signed(reinterpret_cast<const uint8_t*>(tile.panel.min_pairs[2 * g]) +
                              8 * tile.row + 16 * r);
        dot = vmmlaq_s32(dot, high[g][p], mins[g]);
      }
      dot = vshlq_n_s32(dot, 7);
      for (int g = 0; g < groups; ++g) dot = vmmlaq_s32(dot, low[g][p], mins[g]);
      dots.v[r][p] = dot;
    }
  }
  scale_pair_dots(tile.panel.negated_min_scale + tile.row, dots, sums);
}

template <int pairs>
[[gnu::always_inline]] inline void add_float_mins(const MatrixTile<pairs>& tile,
                                                  PairSums<pairs>& sums) {
  for (int sub = 0; sub < 8; ++sub) {
    float32x4_t column_sums[pairs];
#pragma GCC unroll 4
    for (int p = 0; p < pairs; ++p)
      column_sums[p] = splat_two(static_cast<float>(tile.column[2 * p]->sums32[sub]),
                                 static_cast<float>(tile.column[2 * p + 1]->sums32[sub]));
#pragma GCC unroll 4
    for (int r = 0; r < row_pairs; ++r) {
      const float32x4_t min = load_twice(tile.panel.mins[sub] + tile.row + 2 * r);
#pragma GCC unroll 4
      for (int p = 0; p < pairs; ++p) sums.v[r][p] = vfmaq_f32(sums.v[r][p], min, column_sums[p]);
    }
  }
}

// s of docs/numerics.md for one block.
template <class Shape, int pairs>
[[gnu::always_inline]] inline void pair_sums(const MatrixTile<pairs>& tile, PairSums<pairs>& sums) {
#pragma GCC unroll 16
  for (int i = 0; i < row_pairs * pairs; ++i) sums.v[i / pairs][i % pairs] = vdupq_n_f32(0.0f);
  for (int sub = 0; sub < 256 / Shape::sub_values; ++sub) {
    PairDots<pairs> dots;
#pragma GCC unroll 16
    for (int i = 0; i < row_pairs * pairs; ++i) dots.v[i / pairs][i % pairs] = vdupq_n_s32(0);
    const uint8_t* weights = tile.panel.weights[sub * Shape::sub_values / 4] + 8 * tile.row;
#pragma GCC unroll 2
    for (int k = 0; k < Shape::sub_values; k += 16)
      add_pair_dots(tile, sub * Shape::sub_values + k, weights + 16 * k, dots);
    scale_pair_dots(tile.panel.scales[sub] + tile.row, dots, sums);
  }
  if constexpr (Shape::mins == Mins::floats) {
    add_float_mins(tile, sums);
  } else if constexpr (Shape::mins != Mins::none) {
    add_integer_mins<Shape>(tile, sums);
  }
}

// accumulators[c][row] += the tile's product, for the first `count` of its columns.
template <class Shape, int pairs>
inline void multiply_tile(const MatrixTile<pairs>& tile, int64_t count, float* accumulators) {
  PairSums<pairs> sums;
  pair_sums<Shape>(tile, sums);
#pragma GCC unroll 8
  for (int c = 0; c < 2 * pairs; ++c) {
    if (c >= count) return;
    const float32x4_t scale = vdupq_n_f32(tile.column[c]->scale);
    float* accumulator = accumulators + c * group_rows + tile.row;
#pragma GCC unroll 2
    for (int r = 0; r < row_pairs; r += 2) {
      const float64x2_t a = vreinterpretq_f64_f32(sums.v[r][c / 2]);
      const float64x2_t b = vreinterpretq_f64_f32(sums.v[r + 1][c / 2]);
      const float32x4_t s = vreinterpretq_f32_f64(c % 2 == 0 ? vzip1q_f64(a, b) : vzip2q_f64(a, b));
      vst1q_f32(accumulator + 2 * r, vfmaq_f32(vld1q_f32(accumulator + 2 * r), scale, s));
    }
  }
}

// `count` columns, at most 2 * pairs of them; one that is left alone is its own partner.
template <class Shape, int pairs>
inline void multiply_pairs(const Panel& panel, const uint8_t* column, int64_t stride, int64_t count,
                           float* accumulators) {
  for (int row = 0; row < 16; row += 2 * row_pairs) {
    MatrixTile<pairs> tile{panel, row, {}};
    for (int c = 0; c < 2 * pairs; ++c)
      tile.column[c] =
          reinterpret_cast<const Q8Block*>(column + (c < count ? c : count - 1) * stride);
    multiply_tile<Shape>(tile, count, accumulators);
  }
}

// Not inlined: one copy serves all formats of a shape.
template <class Shape>
[[gnu::noinline]] void multiply_matrix(Panel& panel, const uint8_t* column, int64_t stride,
                                       int64_t count, float* accumulators) {
  constexpr int columns = 2 * column_pairs_max;
  pair_values<Shape>(panel);
  for (; count >= columns; count -= columns) {
    multiply_pairs<Shape, column_pairs_max>(panel, column, stride, columns, accumulators);
    column += columns * stride;
    accumulators += columns * group_rows;
  }
  static_assert(column_pairs_max == 2);
  if (count > 2) return multiply_pairs<Shape, 2>(panel, column, stride, count, accumulators);
  if (count > 0) multiply_pairs<Shape, 1>(panel, column, stride, count, accumulators);
}

// As VectorProducts.
struct MatrixProducts {
  template <class Format, int panels>
  static void multiply(const uint8_t* columns, int64_t stride, int64_t count,
                       LinearScratch& scratch) {
    if (count < matrix_columns_min) {
      DotProducts::multiply<Format, panels>(columns, stride, count, scratch);
    } else {
      multiply_matrix<typename Format::Shape>(scratch.panels[0], columns, stride, count,
                                              scratch.accumulators);
    }
  }
};
