#include "engine/backend/row_chunks.h"

#include <algorithm>

#include "engine/tape/passes.h"

namespace hearth::engine {
namespace {

constexpr int64_t chunk_bytes = 32 << 10;
// For so many columns kernels unpack chunk_rows_max rows at a time.
constexpr int64_t many_columns = 64;

}  // namespace

int64_t chunk_count_of(int64_t rows, int64_t chunk_rows) {
  return (rows + chunk_rows - 1) / chunk_rows;
}

int64_t chunk_rows_of(int64_t row_bytes, int64_t total_rows, int64_t prompt_columns,
                      int32_t lanes) {
  const int64_t by_bytes =
      prompt_columns >= many_columns
          ? chunk_rows_max
          : chunk_bytes / std::max(row_bytes, int64_t{1}) / tile_rows * tile_rows;
  const int64_t by_share = chunk_count_of(chunk_count_of(total_rows, lanes), tile_rows) * tile_rows;
  return std::max(tile_rows, std::min({by_bytes, by_share, chunk_rows_max}));
}

void multiply_rows(const KernelTable& kernels, const Weight& weight, RowRange rows,
                   int64_t fetch_end, const Columns& columns, const Products& products,
                   void* scratch) noexcept {
  const FormatKernels& format = *format_of(kernels, weight);
  const int64_t decode_count =
      kernels.roles_agree && columns.decode_count < columns.count ? 0 : columns.decode_count;
  LinearArgs args{weight.data,
                  weight.row_bytes,
                  weight.width,
                  rows.begin,
                  rows.end,
                  columns.decode.data,
                  columns.decode.stride_bytes,
                  decode_count,
                  products.data,
                  products.stride,
                  scratch,
                  fetch_end,
                  weight.layout};
  if (decode_count > 0) format.decode(args);
  if (decode_count == columns.count) return;
  args.columns = columns.prompt.data + decode_count * columns.prompt.stride_bytes;
  args.column_stride_bytes = columns.prompt.stride_bytes;
  args.output = products.of(decode_count);
  args.column_count = columns.count - decode_count;
  format.prompt(args);
}

}  // namespace hearth::engine
