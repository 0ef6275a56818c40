// Products of quantised weights with columns of floats (docs/numerics.md, "Precise"): 16 rows x 256
// values are unpacked, turned into floats in the first-level cache, and multiplied by every column.
#pragma once

#include "engine/kernels/ops/linear_blocks.inl"

// [value][row]
using ValuePanel = float[256][16];

struct alignas(64) PreciseScratch {
  LinearScratch rows;
  ValuePanel values;
};

template <class Shape, int index>
inline F32x16 weight_of(I32x16 dwords) {
  if constexpr (!Shape::is_signed) return to_float(unsigned_byte<index>(dwords));
  if constexpr (signed_bias == 0) return to_float(signed_byte<index>(dwords));
  return to_float(sub_i32(unsigned_byte<index>(dwords), splat_i32(signed_bias)));
}

template <class Shape>
[[gnu::noinline]] void weights_to_floats(const Panel& panel, ValuePanel& values) {
  constexpr int dwords = Shape::sub_values / 4;
  for (int sub = 0; sub < 256 / Shape::sub_values; ++sub) {
    const F32x16 scale = load(panel.scales[sub]);
    const F32x16 offset = sub_block_offset<Shape>(panel, sub);
    for (int i = sub * dwords; i < (sub + 1) * dwords; ++i) {
      const I32x16 w = load_i32(panel.weights[i]);
      store(values[4 * i], fma(scale, weight_of<Shape, 0>(w), offset));
      store(values[4 * i + 1], fma(scale, weight_of<Shape, 1>(w), offset));
      store(values[4 * i + 2], fma(scale, weight_of<Shape, 2>(w), offset));
      store(values[4 * i + 3], fma(scale, weight_of<Shape, 3>(w), offset));
    }
  }
}

// accumulators[c][row] += the products of `count` values (even) of `columns` columns.
template <int columns>
inline void multiply_values(const ValuePanel& values, const float* first_column, int64_t stride,
                            int64_t count, float* accumulators) {
  F32x16 sums[2][columns];
  for (int c = 0; c < columns; ++c) sums[0][c] = sums[1][c] = zero_f32();
  for (int64_t k = 0; k < count; k += 2) {
    const F32x16 even = load(values[k]);
    const F32x16 odd = load(values[k + 1]);
    for (int c = 0; c < columns; ++c) {
      const float* x = first_column + c * stride + k;
      sums[0][c] = fma(even, splat(x[0]), sums[0][c]);
      sums[1][c] = fma(odd, splat(x[1]), sums[1][c]);
    }
  }
  for (int c = 0; c < columns; ++c) {
    float* accumulator = accumulators + c * group_rows;
    store(accumulator, add(load(accumulator), add(sums[0][c], sums[1][c])));
  }
}

// The weights of one block of the chunk's rows, as floats.
using UnpackFn = void (*)(const LinearChunk& chunk, int64_t block, const uint8_t* ahead,
                          PreciseScratch& scratch);

template <class Format, class Rows>
[[gnu::noinline]] void unpack_values(const LinearChunk& chunk, int64_t block, const uint8_t* ahead,
                                     PreciseScratch& scratch) {
  Panel& panel = scratch.rows.panels[0];
  unpack_rows<Format>(Rows::at(chunk.args, chunk.row, block, ahead), chunk.row_count,
                      chunk.args.width - 256 * block, scratch.rows, panel);
  weights_to_floats<typename Format::Shape>(panel, scratch.values);
}

inline void multiply_precise_chunk(const LinearChunk& chunk, UnpackFn unpack,
                                   PreciseScratch& scratch) {
  const LinearArgs& args = chunk.args;
  const int64_t block_count = (args.width + 255) / 256;
  const int64_t stride = args.column_stride_bytes / 4;
  for (int64_t c = 0; c < chunk.column_count; ++c)
    store(scratch.rows.accumulators + c * group_rows, zero_f32());
  MemoryAhead ahead(chunk, block_count);
  for (int64_t block = 0; block < block_count; ++block) {
    unpack(chunk, block, ahead.take(), scratch);
    const int64_t left = args.width - 256 * block;
    const int64_t count = left < 256 ? left : 256;
    const float* column =
        static_cast<const float*>(args.columns) + chunk.column * stride + 256 * block;
    float* accumulators = scratch.rows.accumulators;
    int64_t c = 0;
    for (; c + float_rows <= chunk.column_count; c += float_rows) {
      multiply_values<float_rows>(scratch.values, column + c * stride, stride, count,
                                  accumulators + c * group_rows);
    }
    for (; c < chunk.column_count; ++c) {
      multiply_values<1>(scratch.values, column + c * stride, stride, count,
                         accumulators + c * group_rows);
    }
  }
}

// Not inlined: one copy serves all formats.
[[gnu::noinline]] inline void linear_precise_with(const LinearArgs& args, UnpackFn unpack) {
  PreciseScratch& scratch = *static_cast<PreciseScratch*>(args.scratch);
  for (int64_t column = 0; column < args.column_count; column += chunk_columns_max) {
    const int64_t left = args.column_count - column;
    const int64_t column_count = left < chunk_columns_max ? left : chunk_columns_max;
    for (int64_t row = args.row_begin; row < args.row_end; row += tile_rows) {
      const int64_t rows_left = args.row_end - row;
      const LinearChunk chunk{args, row, rows_left < tile_rows ? rows_left : tile_rows, column,
                              column_count};
      multiply_precise_chunk(chunk, unpack, scratch);
      store_chunk(chunk, scratch.rows);
    }
  }
}

template <class Format>
inline void linear_precise(const LinearArgs& args) noexcept {
  linear_precise_with(args, args.layout == Layout::tiles
                                ? unpack_values<Format, TileBlocks<Format>>
                                : unpack_values<Format, RowBlocks<Format>>);
}
