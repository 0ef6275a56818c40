// How the blocks of a matrix lie in tiles (Layout::tiles, docs/tape.md): 16 rows a tile, dword by
// dword, so that one load takes the same dword of 16 rows. What of a block is no whole dword stands
// in front: a plane of 16 per block. Included inside an anonymous namespace.
#pragma once

template <class Block>
struct TileLayout {
  static constexpr int64_t dwords = sizeof(Block) / 4;
  // Blocks whose size is no multiple of 4 have their scale to blame, at one end of the block.
  static constexpr int64_t apart_bytes = sizeof(Block) % 4;
  static constexpr int64_t apart_offset = [] {
    if constexpr (requires(const Block& block) { block.d; }) {
      return static_cast<int64_t>(offsetof(Block, d));
    } else {
      return int64_t{0};
    }
  }();
  static_assert(apart_bytes == 0 || apart_offset == 0 ||
                apart_offset + apart_bytes == int64_t{sizeof(Block)});
  // Where in a block the dwords begin.
  static constexpr int64_t first_dword = apart_offset == 0 ? apart_bytes : 0;
  static constexpr int64_t block_apart_bytes = tile_rows * apart_bytes;  // of 16 rows
  static constexpr int64_t block_dword_bytes = tile_rows * 4 * dwords;

  // Bytes of the plane in front of the dwords.
  static constexpr int64_t apart_plane_bytes(int64_t width) {
    return (width / Block::values * block_apart_bytes + 63) / 64 * 64;
  }
  // Where the 16 dwords of a block that hold byte `offset` of it begin.
  static constexpr int64_t dword_offset(int64_t offset) {
    const int64_t skipped = apart_bytes > 0 && offset > apart_offset ? apart_bytes : 0;
    return (offset - skipped) / 4 * tile_rows * 4;
  }
};
