// Panels times int8 columns by SDOT, bit for bit as ops/linear_blocks.inl does it: 16 dots of a
// dword of weights each at a time, the column's four values out of a lane, so that nothing is
// spread over a register first.
#pragma once

#include "engine/kernels/ops/linear_blocks.inl"

// The dots of 16 rows, and the sums that they are scaled and added to, take eight registers a
// column; with the weights these are as many columns as there are registers for.
constexpr int dot_columns = 3;

struct Dots16 {
  int32x4_t v[4];
};

inline int8x16_t load_signed(const void* p) {
  return vld1q_s8(static_cast<const int8_t*>(p));
}

// dots[c] += weights . dword `lane` of x[c].
template <int lane, int columns>
[[gnu::always_inline]] inline void add_dots(const uint8_t* weights, const int8x16_t (&x)[columns],
                                            Dots16 (&dots)[columns]) {
  int8x16_t w[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) w[i] = load_signed(weights + 16 * i);
#pragma GCC unroll 4
  for (int c = 0; c < columns; ++c) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) dots[c].v[i] = vdotq_laneq_s32(dots[c].v[i], w[i], x[c], lane);
  }
}

// sums[c] += the minimums' part.
template <class Shape, int columns>
[[gnu::always_inline]] inline void add_dot_mins(const Panel& panel,
                                                const Q8Block* const (&column)[columns],
                                                F32x16 (&sums)[columns]) {
  if constexpr (Shape::mins == Mins::floats) {
    for (int sub = 0; sub < 8; ++sub) {
      const F32x16 min = load(panel.mins[sub]);
#pragma GCC unroll 4
      for (int c = 0; c < columns; ++c)
        sums[c] = fma(min, splat(static_cast<float>(column[c]->sums32[sub])), sums[c]);
    }
  } else if constexpr (Shape::mins != Mins::none) {
    constexpr int pairs = Shape::mins == Mins::per_32 ? 4 : 8;
#pragma GCC unroll 4
    for (int c = 0; c < columns; ++c) {
      const int16_t* values = Shape::mins == Mins::per_32 ? column[c]->sums32 : column[c]->sums16;
      int32x4_t low[4], high[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) low[i] = high[i] = vdupq_n_s32(0);
#pragma GCC unroll 8
      for (int pair = 0; pair < pairs; ++pair) {
        const int16x8_t x = vreinterpretq_s16_u32(splat_dword(values + 2 * pair).v[0]);
        const I32x16 mins = load_i32(panel.min_pairs[pair]);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          const int16x8_t m = vreinterpretq_s16_u32(mins.v[i]);
          low[i] = vmlal_s16(low[i], vget_low_s16(m), vget_low_s16(x));
          high[i] = vmlal_high_s16(high[i], m, x);
        }
      }
      const F32x16 factor = load(panel.negated_min_scale);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const float32x4_t mins = vcvtq_f32_s32(vpaddq_s32(low[i], high[i]));
        sums[c].v[i] = vfmaq_f32(sums[c].v[i], factor.v[i], mins);
      }
    }
  }
}

// sums[c] = s of docs/numerics.md for one block, lanes = rows.
template <class Shape, int columns>
[[gnu::always_inline]] inline void dot_block_sums(const Panel& panel,
                                                  const Q8Block* const (&column)[columns],
                                                  int64_t stride, F32x16 (&sums)[columns]) {
#pragma GCC unroll 4
  for (int c = 0; c < columns; ++c) sums[c] = zero_f32();
  for (int sub = 0; sub < 256 / Shape::sub_values; ++sub) {
#pragma GCC unroll 4
    for (int c = 0; c < columns && sub < column_lines; ++c)
      prefetch_near(reinterpret_cast<const char*>(column[c]) + columns * stride + 64 * sub);
    Dots16 dots[columns];
#pragma GCC unroll 4
    for (int c = 0; c < columns; ++c) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) dots[c].v[i] = vdupq_n_s32(0);
    }
    const uint8_t* w = panel.weights[sub * Shape::sub_values / 4];
    // A trip count that is known here, so that all sums stay in registers.
#pragma GCC unroll 2
    for (int part = 0; part < Shape::sub_values / 16; ++part) {
      int8x16_t x[columns];
#pragma GCC unroll 4
      for (int c = 0; c < columns; ++c)
        x[c] = load_signed(column[c]->q + sub * Shape::sub_values + 16 * part);
      add_dots<0>(w + 256 * part, x, dots);
      add_dots<1>(w + 256 * part + 64, x, dots);
      add_dots<2>(w + 256 * part + 128, x, dots);
      add_dots<3>(w + 256 * part + 192, x, dots);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const float32x4_t scale = vld1q_f32(panel.scales[sub] + 4 * i);
#pragma GCC unroll 4
      for (int c = 0; c < columns; ++c)
        sums[c].v[i] = vfmaq_f32(sums[c].v[i], scale, vcvtq_f32_s32(dots[c].v[i]));
    }
  }
  add_dot_mins<Shape>(panel, column, sums);
}

// accumulators[c][row] += block's product, for `columns` columns that lie `stride` apart.
template <class Shape, int columns>
inline void dot_block(const Panel& panel, const uint8_t* first_column, int64_t stride,
                      float* accumulators) {
  const Q8Block* column[columns];
#pragma GCC unroll 4
  for (int c = 0; c < columns; ++c)
    column[c] = reinterpret_cast<const Q8Block*>(first_column + c * stride);
  F32x16 sums[columns];
  dot_block_sums<Shape>(panel, column, stride, sums);
#pragma GCC unroll 4
  for (int c = 0; c < columns; ++c) {
    float* accumulator = accumulators + c * group_rows;
    store(accumulator, fma(splat(column[c]->scale), sums[c], load(accumulator)));
  }
}

// Not inlined: one copy serves all formats of a shape.
template <class Shape>
[[gnu::noinline]] void dot_panel(const Panel& panel, const uint8_t* column, int64_t stride,
                                 int64_t count, float* accumulators) {
  for (; count >= dot_columns; count -= dot_columns) {
    dot_block<Shape, dot_columns>(panel, column, stride, accumulators);
    column += dot_columns * stride;
    accumulators += dot_columns * group_rows;
  }
  if (count == 2) dot_block<Shape, 2>(panel, column, stride, accumulators);
  if (count == 1) dot_block<Shape, 1>(panel, column, stride, accumulators);
}

// As VectorProducts.
struct DotProducts {
  template <class Format, int panels>
  static void multiply(const uint8_t* columns, int64_t stride, int64_t count,
                       LinearScratch& scratch) {
    static_assert(panels == 1);
    dot_panel<typename Format::Shape>(scratch.panels[0], columns, stride, count,
                                      scratch.accumulators);
  }
};
