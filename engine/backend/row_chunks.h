// How the rows of a weight are cut into chunks for the lanes, and the product of one chunk with the
// columns of a step, in both roles.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/kernels/kernels.h"
#include "engine/tape/tape.h"

namespace hearth::engine {

// Weight rows [begin, end).
struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;
};

// Rows per chunk of matrices that have `total_rows` rows together, for `prompt_columns` columns in
// the prompt role: a multiple of the kernels' tile. A chunk is long enough to hide the cost of
// claiming it, and of what a kernel prepares for many columns, and short enough that the lanes
// finish together. At most chunk_rows_max.
inline constexpr int64_t chunk_rows_max = 128;
int64_t chunk_rows_of(int64_t row_bytes, int64_t total_rows, int64_t prompt_columns, int32_t lanes);
int64_t chunk_count_of(int64_t rows, int64_t chunk_rows);

// Where products go.
struct Products {
  float* data = nullptr;  // of column 0, indexed by weight row
  int64_t stride = 0;     // floats between two columns

  float* of(int64_t column) const { return data + column * stride; }
};

// Columns of one kind, side by side.
struct ColumnSpan {
  const std::byte* data = nullptr;
  int64_t stride_bytes = 0;
};

// Columns of a step. The first `decode_count` are in the decode role; each span counts from the
// first column of all.
struct Columns {
  ColumnSpan decode;
  ColumnSpan prompt;
  int64_t count = 0;
  int64_t decode_count = 0;
};

// Products of the rows `rows` of `weight` with `columns`; rows up to fetch_end are likely to be
// asked for next by the same lane. `scratch`: KernelTable::linear_scratch_bytes.
void multiply_rows(const KernelTable& kernels, const Weight& weight, RowRange rows,
                   int64_t fetch_end, const Columns& columns, const Products& products,
                   void* scratch) noexcept;

}  // namespace hearth::engine
