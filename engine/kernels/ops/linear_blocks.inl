// Products of quantised weights with int8 columns. Each group of panels is unpacked once into the
// first-level cache and multiplied by every column; the next group's bytes are fetched meanwhile.
#pragma once

#include "engine/kernels/ops/panel.inl"

constexpr int64_t chunk_columns_max = 256;
constexpr int column_lines = sizeof(Q8Block) / 64;
constexpr int64_t group_rows = 16 * block_panels;

// Where the dots of biased weights start: -bias * (sum of the sub-block), per sub-block of a
// column's block.
struct DotStarts {
  alignas(64) int32_t values[16];
};

template <class Dots>
inline void fill_dot_starts(const Q8Block& column, DotStarts& starts) {
  constexpr bool is_by_16 = Dots::Shape::sub_values == 16;
  constexpr int bits = __builtin_ctz(Dots::bias);
  static_assert(Dots::bias == 1 << bits);
  // Eight sums fill half a vector: what follows them in the block is read and not used.
  static_assert(sizeof(Q8Block) - offsetof(Q8Block, sums32) >= 32);
  const I32x16 sums = load_words(is_by_16 ? column.sums16 : column.sums32);
  store_i32(starts.values, sub_i32(zero_i32(), shift_left<bits>(sums)));
}

template <class Shape>
inline I32x16 dot_weights(I32x16 dot, I32x16 weights, I32x16 x) {
  if constexpr (Shape::is_signed) {
    return dot_signed(dot, weights, x);
  } else {
    return dot_unsigned(dot, weights, x);
  }
}

// How the dots of a sub-block are added up: here every dword to 32 bits. Other such classes have
// the same members and add exactly, too.
template <class Shape_>
struct DwordDots {
  using Shape = Shape_;
  static constexpr int bias = Shape::is_signed ? signed_bias : 0;  // of the panel's weights

  template <int panels, int columns>
  static void add(const Panel* panel, const Q8Block* const (&column)[columns], int sub,
                  I32x16 (&dots)[panels][columns]) {
    constexpr int dwords = Shape::sub_values / 4;
    // A trip count that is known here, not one that depends on `sub`: all twelve sums stay in
    // registers.
#pragma GCC unroll 8
    for (int i = 0; i < dwords; ++i) {
      I32x16 weights[panels];
      for (int p = 0; p < panels; ++p) weights[p] = load_i32(panel[p].weights[sub * dwords + i]);
      for (int c = 0; c < columns; ++c) {
        const I32x16 x = splat_dword(column[c]->q + sub * Shape::sub_values + 4 * i);
        for (int p = 0; p < panels; ++p) dots[p][c] = dot_weights<Shape>(dots[p][c], weights[p], x);
      }
    }
  }
};

// The minimums' part of the sums.
template <class Shape, int panels, int columns>
inline void add_mins(const Panel* panel, const Q8Block* const (&column)[columns],
                     F32x16 (&sums)[panels][columns]) {
  if constexpr (Shape::mins == Mins::floats) {
    for (int sub = 0; sub < 8; ++sub) {
      for (int p = 0; p < panels; ++p) {
        const F32x16 min = load(panel[p].mins[sub]);
#pragma GCC unroll 16
        for (int c = 0; c < columns; ++c)
          sums[p][c] = fma(min, splat(static_cast<float>(column[c]->sums32[sub])), sums[p][c]);
      }
    }
  } else if constexpr (Shape::mins != Mins::none) {
    constexpr int pairs = Shape::mins == Mins::per_32 ? 4 : 8;
    for (int p = 0; p < panels; ++p) {
      const F32x16 factor = load(panel[p].negated_min_scale);
#pragma GCC unroll 16
      for (int c = 0; c < columns; ++c) {
        const int16_t* values = Shape::mins == Mins::per_32 ? column[c]->sums32 : column[c]->sums16;
        I32x16 mins = zero_i32();
        for (int pair = 0; pair < pairs; ++pair)
          mins =
              dot_pairs(mins, load_i32(panel[p].min_pairs[pair]), splat_dword(values + 2 * pair));
        sums[p][c] = fma(factor, to_float(mins), sums[p][c]);
      }
    }
  }
}

// sums[p][c] = s of docs/numerics.md for one block: panels p x columns c, lanes = rows.
template <class Dots, int panels, int columns>
inline void block_sums(const Panel* panel, const Q8Block* const (&column)[columns], int64_t stride,
                       F32x16 (&sums)[panels][columns]) {
  using Shape = typename Dots::Shape;
  for (int p = 0; p < panels; ++p) {
    for (int c = 0; c < columns; ++c) sums[p][c] = zero_f32();
  }
  DotStarts starts[columns];
  if constexpr (Dots::bias != 0) {
    for (int c = 0; c < columns; ++c) fill_dot_starts<Dots>(*column[c], starts[c]);
  }
  for (int sub = 0; sub < 256 / Shape::sub_values; ++sub) {
    if (sub < column_lines) {
      for (int c = 0; c < columns; ++c) {
        prefetch_near(reinterpret_cast<const char*>(column[c]) + columns * stride + 64 * sub);
      }
    }
    I32x16 dots[panels][columns];
    for (int c = 0; c < columns; ++c) {
      I32x16 start = zero_i32();
      if constexpr (Dots::bias != 0) start = splat_dword(starts[c].values + sub);
      for (int p = 0; p < panels; ++p) dots[p][c] = start;
    }
    Dots::add(panel, column, sub, dots);
    for (int p = 0; p < panels; ++p) {
      const F32x16 scale = load(panel[p].scales[sub]);
      for (int c = 0; c < columns; ++c) sums[p][c] = fma(scale, to_float(dots[p][c]), sums[p][c]);
    }
  }
  add_mins<Shape, panels, columns>(panel, column, sums);
}

// accumulators[c][p * 16 + row] += block's product, for `columns` columns that lie `stride` apart.
template <class Dots, int panels, int columns>
inline void multiply_block(const Panel* panel, const uint8_t* first_column, int64_t stride,
                           float* accumulators) {
  const Q8Block* column[columns];
  for (int c = 0; c < columns; ++c)
    column[c] = reinterpret_cast<const Q8Block*>(first_column + c * stride);
  F32x16 sums[panels][columns];
  block_sums<Dots>(panel, column, stride, sums);
  for (int c = 0; c < columns; ++c) {
    const F32x16 scale = splat(column[c]->scale);
    for (int p = 0; p < panels; ++p) {
      float* accumulator = accumulators + c * group_rows + p * 16;
      store(accumulator, fma(scale, sums[p][c], load(accumulator)));
    }
  }
}

template <class Dots, int panels, int columns>
inline void multiply_last_columns(const Panel* panel, const uint8_t* first_column, int64_t stride,
                                  int64_t count, float* accumulators) {
  if constexpr (columns > 0) {
    if (count == columns) {
      multiply_block<Dots, panels, columns>(panel, first_column, stride, accumulators);
    } else {
      multiply_last_columns<Dots, panels, columns - 1>(panel, first_column, stride, count,
                                                       accumulators);
    }
  }
}

// As multiply_block for any number of columns. Not inlined: one copy serves all formats of a shape.
template <class Dots, int panels>
[[gnu::noinline]] void multiply_columns(const Panel* panel, const uint8_t* column, int64_t stride,
                                        int64_t count, float* accumulators) {
  for (; count >= block_columns; count -= block_columns) {
    multiply_block<Dots, panels, block_columns>(panel, column, stride, accumulators);
    column += block_columns * stride;
    accumulators += block_columns * group_rows;
  }
  multiply_last_columns<Dots, panels, block_columns - 1>(panel, column, stride, count,
                                                         accumulators);
}

// 256 values of one row of the widest format.
constexpr int64_t row_block_bytes_max = 8 * static_cast<int64_t>(sizeof(BlockQ8_0));

struct LinearScratch {
  Panel panels[block_panels];
  uint8_t last_rows[16 * row_block_bytes_max];  // see unpack_rows
  alignas(64) float accumulators[chunk_columns_max * group_rows];
};

// The panels of a group times `count` columns `stride` apart, added to the accumulators, by the
// vector units. Every other such class gives the same bits.
struct VectorProducts {
  template <class Format, int panels>
  static void multiply(const uint8_t* columns, int64_t stride, int64_t count,
                       LinearScratch& scratch) {
    multiply_columns<DwordDots<typename Format::Shape>, panels>(scratch.panels, columns, stride,
                                                                count, scratch.accumulators);
  }
};

// A group of rows and a chunk of columns of one LinearArgs.
struct LinearChunk {
  const LinearArgs& args;
  int64_t row, row_count;        // at most 16 * panels
  int64_t column, column_count;  // at most chunk_columns_max
};

// What is fetched while a group of rows is unpacked: the next group, as large a part of it with
// each panel's block. The last group fetches what is there already.
struct MemoryAhead {
  const uint8_t* next;
  int64_t step;

  MemoryAhead(const LinearChunk& chunk, int64_t unpacked_blocks) {
    const LinearArgs& args = chunk.args;
    const int64_t behind = chunk.row + chunk.row_count;
    const bool goes_on = behind < args.row_end || behind < args.fetch_end;
    next = static_cast<const uint8_t*>(args.weight) +
           row_offset(args.layout, args.row_bytes, goes_on ? behind : chunk.row);
    step = goes_on ? chunk.row_count * args.row_bytes / unpacked_blocks : 0;
  }
  const uint8_t* take() {
    next += step;
    return next - step;
  }
};

// Unpacks one block of `count` rows. Fewer than 16 are copied first, so that unpackers may read 16;
// what the others hold does not matter, their results are dropped.
template <class Format>
inline void unpack_rows(RowBlocks<Format> rows, int64_t count, int64_t values_left,
                        LinearScratch& scratch, Panel& panel) {
  if (count >= tile_rows) {
    Format::unpack(rows, values_left, panel);
    return;
  }
  const int64_t values = values_left < 256 ? values_left : 256;
  const int64_t bytes =
      values / Format::values * static_cast<int64_t>(sizeof(typename Format::Block));
  for (int64_t i = 0; i < tile_rows; ++i) {
    const int64_t row = i < count ? i : count - 1;
    __builtin_memcpy(scratch.last_rows + i * row_block_bytes_max, rows.first + row * rows.stride,
                     static_cast<size_t>(bytes));
  }
  RowBlocks<Format> copied{scratch.last_rows, row_block_bytes_max, scratch.last_rows};
  Format::unpack(copied, values_left, panel);
}
// Tiles are whole.
template <class Format>
inline void unpack_rows(TileBlocks<Format> rows, int64_t /*count*/, int64_t values_left,
                        LinearScratch& /*scratch*/, Panel& panel) {
  Format::unpack(rows, values_left, panel);
}

template <class Products, class Format, class Rows, int panels>
inline void multiply_chunk(const LinearChunk& chunk, LinearScratch& scratch) {
  const LinearArgs& args = chunk.args;
  const int64_t block_count = (args.width + 255) / 256;
  const int64_t stride = args.column_stride_bytes;
  const uint8_t* columns = static_cast<const uint8_t*>(args.columns) + chunk.column * stride;
  for (int64_t i = 0; i < chunk.column_count; ++i) {
    for (int p = 0; p < panels; ++p)
      store(scratch.accumulators + i * group_rows + p * 16, zero_f32());
  }
  MemoryAhead ahead(chunk, block_count * panels);
  for (int64_t block = 0; block < block_count; ++block) {
    for (int p = 0; p < panels; ++p) {
      unpack_rows<Format>(Rows::at(args, chunk.row + tile_rows * p, block, ahead.take()),
                          chunk.row_count - tile_rows * p, args.width - block * 256, scratch,
                          scratch.panels[p]);
    }
    const uint8_t* column = columns + block * static_cast<int64_t>(sizeof(Q8Block));
    Products::template multiply<Format, panels>(column, stride, chunk.column_count, scratch);
  }
}

inline void store_chunk(const LinearChunk& chunk, const LinearScratch& scratch) {
  for (int64_t i = 0; i < chunk.column_count; ++i) {
    float* output = chunk.args.output + (chunk.column + i) * chunk.args.output_stride + chunk.row;
    const float* from = scratch.accumulators + i * group_rows;
    for (int64_t row = 0; row < chunk.row_count; row += 16) {
      const int64_t left = chunk.row_count - row;
      if (left >= 16) {
        store(output + row, load(from + row));
      } else {
        store_first(output + row, left, load(from + row));
      }
    }
  }
}

template <class Products, class Format, class Rows>
inline void linear_blocks_of(const LinearArgs& args) {
  LinearScratch& scratch = *static_cast<LinearScratch*>(args.scratch);
  // A chunk of columns stays in the second-level cache while all rows pass over it.
  int64_t chunk_columns =
      (int64_t{1} << 19) / args.column_stride_bytes / block_columns * block_columns;
  if (chunk_columns < 64) chunk_columns = 64;
  if (chunk_columns > chunk_columns_max) chunk_columns = chunk_columns_max;
  for (int64_t column = 0; column < args.column_count; column += chunk_columns) {
    const int64_t columns_left = args.column_count - column;
    const int64_t column_count = columns_left < chunk_columns ? columns_left : chunk_columns;
    for (int64_t row = args.row_begin; row < args.row_end; row += group_rows) {
      const int64_t rows_left = args.row_end - row;
      const LinearChunk chunk{args, row, rows_left < group_rows ? rows_left : group_rows, column,
                              column_count};
      if (chunk.row_count <= 16) {
        multiply_chunk<Products, Format, Rows, 1>(chunk, scratch);
      } else {
        multiply_chunk<Products, Format, Rows, block_panels>(chunk, scratch);
      }
      store_chunk(chunk, scratch);
    }
  }
}

template <class Products, class Format>
inline void linear_blocks_with(const LinearArgs& args) noexcept {
  if (args.layout == Layout::tiles) {
    linear_blocks_of<Products, Format, TileBlocks<Format>>(args);
  } else {
    linear_blocks_of<Products, Format, RowBlocks<Format>>(args);
  }
}
