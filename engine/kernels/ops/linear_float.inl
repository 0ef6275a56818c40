// Products of F32, F16 and BF16 weights with f32 columns: 16 partial sums per (row, column), then
// the fixed tree.
#pragma once

#include "engine/kernels/formats/floats.inl"

// `ahead`: how many bytes behind a row memory is fetched meanwhile; the same rows again cost
// nothing.
template <class Weights, int rows, int columns>
inline void float_tile(const LinearArgs& args, int64_t row, int64_t column, int64_t ahead) {
  using Element = typename Weights::Element;
  const Element* weight[rows];
  const float* x[columns];
  F32x16 sums[rows][columns];
  for (int r = 0; r < rows; ++r) {
    weight[r] = reinterpret_cast<const Element*>(static_cast<const uint8_t*>(args.weight) +
                                                 (row + r) * args.row_bytes);
  }
  for (int c = 0; c < columns; ++c) {
    const uint8_t* base = static_cast<const uint8_t*>(args.columns);
    x[c] = reinterpret_cast<const float*>(base + (column + c) * args.column_stride_bytes);
    for (int r = 0; r < rows; ++r) sums[r][c] = zero_f32();
  }
  const int64_t whole = args.width / 16 * 16;
  for (int64_t k = 0; k < whole; k += 16) {
    F32x16 w[rows];
    for (int r = 0; r < rows; ++r) {
      w[r] = Weights::read(weight[r] + k);
      if (k % (64 / static_cast<int64_t>(sizeof(Element))) == 0)
        prefetch(reinterpret_cast<const uint8_t*>(weight[r] + k) + ahead);
    }
    for (int c = 0; c < columns; ++c) {
      const F32x16 value = load(x[c] + k);
      for (int r = 0; r < rows; ++r) sums[r][c] = fma(w[r], value, sums[r][c]);
    }
  }
  if (whole < args.width) {
    const int64_t left = args.width - whole;
    for (int c = 0; c < columns; ++c) {
      const F32x16 value = load_first(x[c] + whole, left);
      for (int r = 0; r < rows; ++r) {
        sums[r][c] = fma(Weights::read_first(weight[r] + whole, left), value, sums[r][c]);
      }
    }
  }
  for (int c = 0; c < columns; ++c) {
    for (int r = 0; r < rows; ++r)
      args.output[(column + c) * args.output_stride + row + r] = sum(sums[r][c]);
  }
}

template <class Weights, int columns>
inline void float_rows_all(const LinearArgs& args, int64_t column) {
  // The first columns bring the rows into the cache.
  const int64_t end = args.fetch_end > args.row_end ? args.fetch_end : args.row_end;
  const int64_t step = column == 0 ? float_rows * args.row_bytes : 0;
  int64_t row = args.row_begin;
  for (; row + float_rows <= args.row_end; row += float_rows) {
    float_tile<Weights, float_rows, columns>(args, row, column,
                                             row + 2 * float_rows <= end ? step : 0);
  }
  for (; row < args.row_end; ++row) float_tile<Weights, 1, columns>(args, row, column, 0);
}

template <class Weights>
inline void linear_float(const LinearArgs& args) noexcept {
  constexpr int columns = 4;
  int64_t column = 0;
  // All rows of the call stay in the cache while the columns pass, four at a time.
  for (; column + columns <= args.column_count; column += columns)
    float_rows_all<Weights, columns>(args, column);
  for (; column < args.column_count; ++column) float_rows_all<Weights, 1>(args, column);
}
