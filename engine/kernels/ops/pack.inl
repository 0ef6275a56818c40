// Rows as they lie in a file into tiles (ops/tile_layout.inl): the transposition that RowBlocks
// does at every use, done once.
#pragma once

#include "engine/kernels/ops/row_blocks.inl"

// One block of 16 rows.
template <class Format>
inline void pack_block(RowBlocks<Format> rows, uint8_t* apart, uint8_t* dwords) {
  using Layout = TileLayout<typename Format::Block>;
  for (int64_t i = 0; i < Layout::dwords; i += 4) {
    // The last four may overlap those before.
    const int64_t dword = i + 4 <= Layout::dwords ? i : Layout::dwords - 4;
    I32x16 four[4];
    load_row_dwords(rows, Layout::first_dword + 4 * dword, four);
    for (int64_t j = 0; j < 4; ++j) store_i32(dwords + tile_rows * 4 * (dword + j), four[j]);
  }
  if constexpr (Layout::apart_bytes > 0) {
    for (int64_t row = 0; row < tile_rows; ++row) {
      __builtin_memcpy(apart + row * Layout::apart_bytes,
                       rows.first + row * rows.stride + Layout::apart_offset, Layout::apart_bytes);
    }
  }
}

// `count` rows, at most 16; the others of the tile become zero.
template <class Format>
inline void pack_tile(const uint8_t* rows, int64_t row_bytes, int64_t count, int64_t width,
                      uint8_t* tile) {
  using Block = typename Format::Block;
  using Layout = TileLayout<Block>;
  constexpr int64_t block_bytes = sizeof(Block);
  uint8_t* dwords = tile + Layout::apart_plane_bytes(width);
  for (int64_t block = 0; block < width / Format::values; ++block) {
    const uint8_t* first = rows + block * block_bytes;
    RowBlocks<Format> blocks{first, row_bytes, first};
    uint8_t copied[tile_rows * block_bytes];
    if (count < tile_rows) {
      __builtin_memset(copied, 0, sizeof(copied));
      for (int64_t row = 0; row < count; ++row)
        __builtin_memcpy(copied + row * block_bytes, first + row * row_bytes, block_bytes);
      blocks = {copied, block_bytes, copied};
    }
    pack_block(blocks, tile + block * Layout::block_apart_bytes,
               dwords + block * Layout::block_dword_bytes);
  }
}

template <class Format>
inline void pack_tiles(const void* rows, int64_t row_count, int64_t width, void* tiles) noexcept {
  const int64_t row_bytes =
      width / Format::values * static_cast<int64_t>(sizeof(typename Format::Block));
  for (int64_t row = 0; row < row_count; row += tile_rows) {
    const int64_t left = row_count - row;
    pack_tile<Format>(static_cast<const uint8_t*>(rows) + row * row_bytes, row_bytes,
                      left < tile_rows ? left : tile_rows, width,
                      static_cast<uint8_t*>(tiles) + row_offset(Layout::tiles, row_bytes, row));
  }
}
