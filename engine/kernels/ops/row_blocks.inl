// Where unpackers (formats/*.inl) read the blocks of 16 rows from: RowBlocks for rows as they lie
// in a file, TileBlocks for tiles. Both have the functions below, so an unpacker is one text:
//
//   template <class Rows> static void unpack(Rows& rows, int64_t values_left, Panel& panel)
//
// Offsets are bytes of one block as it lies in a file; next_block goes on to the following one.
// Both also ask for memory ahead in passing, as much of it as is read: a steady trickle keeps the
// memory busy during the arithmetic, a burst would hold up the loads behind it.
#pragma once

#include "engine/kernels/ops/tile_layout.inl"

// Fetches 256 bytes in the neighbourhood of `ahead`: a line of each of four pages, so that a walk
// in steps of 256 reads every line of 16 KiB once. Processors follow few misses per page; with four
// pages at a time one core reads half as much again.
inline void prefetch_spread(const uint8_t* ahead) {
  constexpr uintptr_t page = 4096, window = 4 * page;
  const auto at = reinterpret_cast<uintptr_t>(ahead);
  const auto* first = ahead - at % window + at % window / 256 * 64;
  for (uintptr_t i = 0; i < 4; ++i) prefetch(first + i * page);
}

template <class Format>
struct RowBlocks {
  using Block = typename Format::Block;
  const uint8_t* first;  // block of row 0
  int64_t stride;        // between rows
  const uint8_t* ahead;

  // The blocks of rows row .. row + 15 from value 256 * panel on.
  static RowBlocks at(const LinearArgs& args, int64_t row, int64_t panel, const uint8_t* ahead) {
    constexpr int64_t panel_bytes = 256 / Format::values * int64_t{sizeof(Block)};
    return {static_cast<const uint8_t*>(args.weight) + row * args.row_bytes + panel * panel_bytes,
            args.row_bytes, ahead};
  }
};

// `row` of `at` is a multiple of 16.
template <class Format>
struct TileBlocks {
  using Block = typename Format::Block;
  using Layout = TileLayout<Block>;
  const uint8_t* dwords;  // of this block
  const uint8_t* apart;   // its part of the plane in front
  const uint8_t* ahead;

  static TileBlocks at(const LinearArgs& args, int64_t row, int64_t panel, const uint8_t* ahead) {
    const uint8_t* tile =
        static_cast<const uint8_t*>(args.weight) + row / tile_rows * tile_bytes(args.row_bytes);
    const int64_t block = panel * (256 / Format::values);
    return {
        tile + Layout::apart_plane_bytes(args.width) + block * Layout::block_dword_bytes,
        tile + block * Layout::block_apart_bytes,
        ahead,
    };
  }
};

template <class Format>
inline void next_block(RowBlocks<Format>& rows) {
  rows.first += sizeof(typename Format::Block);
}
template <class Format>
inline void next_block(TileBlocks<Format>& rows) {
  rows.dwords += TileBlocks<Format>::Layout::block_dword_bytes;
  rows.apart += TileBlocks<Format>::Layout::block_apart_bytes;
}

// Dwords offset / 4 .. offset / 4 + 3 of each row's block, lanes = rows.
template <class Format>
inline void load_row_dwords(RowBlocks<Format>& rows, int64_t offset, I32x16 (&out)[4]) {
  prefetch_spread(rows.ahead);
  rows.ahead += 256;
  const int64_t stride = rows.stride;
  const uint8_t* a = rows.first + offset;
  const uint8_t* b = a + 4 * stride;
  const uint8_t* c = b + 4 * stride;
  const uint8_t* d = c + 4 * stride;
  out[0] = load_4x16(a, b, c, d);
  out[1] = load_4x16(a + stride, b + stride, c + stride, d + stride);
  out[2] = load_4x16(a + 2 * stride, b + 2 * stride, c + 2 * stride, d + 2 * stride);
  out[3] = load_4x16(a + 3 * stride, b + 3 * stride, c + 3 * stride, d + 3 * stride);
  transpose4(out);
}
template <class Format>
inline void load_row_dwords(TileBlocks<Format>& rows, int64_t offset, I32x16 (&out)[4]) {
  prefetch_spread(rows.ahead);
  rows.ahead += 256;
  const uint8_t* from = rows.dwords + TileBlocks<Format>::Layout::dword_offset(offset);
  for (int i = 0; i < 4; ++i) out[i] = load_i32(from + 64 * i);
}

// The half-precision number at the same place in each row's block.
template <class Format>
inline F32x16 load_row_halves(const RowBlocks<Format>& rows, int64_t offset) {
  uint16_t halves[16];
  for (int i = 0; i < 16; ++i)
    __builtin_memcpy(&halves[i], rows.first + i * rows.stride + offset, 2);
  return load_halves(halves);
}
template <class Format>
inline F32x16 load_row_halves(const TileBlocks<Format>& rows, int64_t offset) {
  using Layout = typename TileBlocks<Format>::Layout;
  if constexpr (Layout::apart_bytes == 2) {
    uint16_t halves[16];
    __builtin_memcpy(halves, rows.apart, sizeof(halves));
    return load_halves(halves);
  } else {
    const I32x16 pair = load_i32(rows.dwords + Layout::dword_offset(offset));
    return halves_to_float(offset % 4 == 0 ? pair : shift_right<16>(pair));
  }
}

// The byte at the same place in each row's block, for the format that has one: its scale.
template <class Format>
inline I32x16 load_row_bytes(const RowBlocks<Format>& rows, int64_t offset) {
  uint8_t bytes[16];
  for (int i = 0; i < 16; ++i) bytes[i] = rows.first[i * rows.stride + offset];
  return bit_and(load_bytes(bytes), splat_i32(255));
}
template <class Format>
inline I32x16 load_row_bytes(const TileBlocks<Format>& rows, int64_t /*offset*/) {
  static_assert(TileBlocks<Format>::Layout::apart_bytes == 1);
  return bit_and(load_bytes(rows.apart), splat_i32(255));
}
