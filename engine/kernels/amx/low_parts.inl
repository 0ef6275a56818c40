// Products of the low parts of guarded blocks (prompt_columns.inl). In any one block few columns
// have one, so those are brought together from many columns and multiplied 16 at a time.
#pragma once

#include "engine/kernels/amx/prompt_columns.inl"
#include "engine/kernels/amx/tile_unit.inl"

constexpr int64_t slab_blocks = 16;  // of prompt_block values, unpacked at once
constexpr int64_t block_tiles = prompt_block / 64;
constexpr int64_t range_pairs = 32;  // of 32 columns whose low parts are listed together
// As many as one pair may have.
constexpr int64_t low_parts_max = slab_blocks * pair_columns;

// Prompt columns side by side, and the blocks of a slab.
struct ColumnSlab {
  GuardedColumn first;
  int64_t stride;  // bytes between columns
  int64_t count;
  int64_t width;
  int64_t first_block, block_count;

  GuardedColumn column(int64_t index) const {
    return {first.data + index * stride, first.block_count};
  }
  // Bit b: block first_block + b of the column is guarded.
  uint32_t guarded(int64_t index) const {
    static_assert(64 % slab_blocks == 0 && slab_blocks < 32);
    const uint64_t bits = column(index).guarded()[first_block / 64] >> (first_block % 64);
    return static_cast<uint32_t>(bits) & ((uint32_t{1} << block_count) - 1);
  }
  int64_t tiles_of(int64_t b) const {
    const int64_t left = (width - (first_block + b) * prompt_block + 63) / 64;
    return left < block_tiles ? left : block_tiles;
  }
};

struct alignas(64) LowParts {
  uint32_t guarded[slab_blocks][range_pairs];  // a bit per column of the pair
  int32_t first[slab_blocks][range_pairs];     // where products of the pair's columns begin
  int8_t columns[tile_columns][prompt_block];  // being multiplied
  int32_t products[low_parts_max + tile_columns][panel_rows];
};

// Lists the low parts of columns [begin, end) of the slab, as many of them as there is memory for;
// returns the end of those.
inline int64_t list_low_parts(const ColumnSlab& slab, int64_t begin, LowParts& low) {
  int64_t part_count = 0;
  int64_t pair = 0;
  for (; pair < range_pairs && begin + pair * pair_columns < slab.count; ++pair) {
    const int64_t first = begin + pair * pair_columns;
    const int64_t count = slab.count - first < pair_columns ? slab.count - first : pair_columns;
    for (int64_t b = 0; b < slab.block_count; ++b) low.guarded[b][pair] = 0;
    int64_t found = 0;
    for (int64_t c = 0; c < count; ++c) {
      for (uint32_t bits = slab.guarded(first + c); bits != 0; bits &= bits - 1, ++found)
        low.guarded[__builtin_ctz(bits)][pair] |= uint32_t{1} << c;
    }
    if (part_count + found > low_parts_max) break;
    part_count += found;
  }
  int32_t next = 0;
  for (int64_t b = 0; b < slab.block_count; ++b) {
    for (int64_t p = 0; p < pair; ++p) {
      low.first[b][p] = next;
      next += __builtin_popcount(low.guarded[b][p]);
    }
  }
  const int64_t end = begin + pair * pair_columns;
  return end < slab.count ? end : slab.count;
}

// The columns that were gathered times `pair_count` times 32 rows over one block.
inline void multiply_low_columns(LowParts& low, const uint8_t (*weights)[block_tiles * unit_bytes],
                                 int64_t tiles, int64_t pair_count, int64_t first) {
  finish_writes();
  for (int64_t pair = 0; pair < pair_count; ++pair) {
    _tile_zero(0);
    _tile_zero(1);
    for (int64_t part = 0; part < tiles; ++part) {
      _tile_loadd(4, low.columns[0] + 64 * part, prompt_block);
      _tile_loadd(6, weights[2 * pair] + part * unit_bytes, 64);
      _tile_dpbssd(0, 4, 6);
      _tile_loadd(7, weights[2 * pair + 1] + part * unit_bytes, 64);
      _tile_dpbssd(1, 4, 7);
    }
    _tile_stored(0, low.products[first] + 32 * pair, sizeof(low.products[0]));
    _tile_stored(1, low.products[first] + 32 * pair + 16, sizeof(low.products[0]));
  }
}

// Products of what list_low_parts() found for columns [begin, end). Configures the tiles.
inline void multiply_low_parts(const ColumnSlab& slab, int64_t begin, int64_t end,
                               const uint8_t (*weights)[panel_groups][block_tiles * unit_bytes],
                               int64_t pair_count, LowParts& low) {
  configure_tiles(pair_columns);
  const int64_t pairs = (end - begin + pair_columns - 1) / pair_columns;
  int64_t first = 0;
  for (int64_t b = 0; b < slab.block_count; ++b) {
    int64_t gathered = 0;
    const auto multiply = [&] {
      multiply_low_columns(low, weights[b], slab.tiles_of(b), pair_count, first);
      first += gathered;
      gathered = 0;
    };
    for (int64_t pair = 0; pair < pairs; ++pair) {
      for (uint32_t bits = low.guarded[b][pair]; bits != 0; bits &= bits - 1) {
        const int64_t column = begin + pair * pair_columns + __builtin_ctz(bits);
        __builtin_memcpy(low.columns[gathered++], slab.column(column).low(slab.first_block + b),
                         prompt_block);
        if (gathered == tile_columns) multiply();
      }
    }
    if (gathered > 0) multiply();
  }
}

// products = 256 * products + low for the columns of pair `pair` that are guarded in block `b`, and
// 32 rows from row `row` of the panel on.
inline void join_low_parts(const LowParts& low, int64_t b, int64_t pair, int64_t row,
                           int32_t (*products)[32]) {
  int64_t part = low.first[b][pair];
  for (uint32_t bits = low.guarded[b][pair]; bits != 0; bits &= bits - 1, ++part) {
    int32_t* high = products[__builtin_ctz(bits)];
    for (int64_t i = 0; i < 32; i += 16)
      store_i32(high + i,
                add_i32(shift_left<8>(load_i32(high + i)), load_i32(low.products[part] + row + i)));
  }
}
