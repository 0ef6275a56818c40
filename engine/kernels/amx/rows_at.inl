// Where the prompt kernels read weights, and what is fetched meanwhile.
#pragma once

#include "engine/kernels/amx/tile_unit.inl"
#include "engine/kernels/ops/linear_blocks.inl"

// Where the 256 values of panel `panel` of 16 rows are, and what lies as far into the next rows, to
// be fetched meanwhile.
template <class Rows>
inline Rows rows_at(const LinearArgs& args, int64_t row, int64_t panel) {
  const int64_t next = row + panel_rows;
  const bool goes_on = next + tile_rows <= args.row_end || next + tile_rows <= args.fetch_end;
  const auto* weight = static_cast<const uint8_t*>(args.weight);
  const int64_t panel_count = (args.width + 255) / 256;
  return Rows::at(args, row, panel,
                  weight + row_offset(args.layout, args.row_bytes, goes_on ? next : row) +
                      tile_rows * args.row_bytes * panel / panel_count);
}
