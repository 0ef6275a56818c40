// One weight row as floats, through the codecs, out of rows or tiles.
#include <cstring>

#include "engine/kernels/isa/tables.h"
#include "engine/tensor/codec.h"

namespace hearth::engine {
namespace {
#include "engine/kernels/ops/tile_layout.inl"

// Block `block` of row `row` of a tile as it lies in a file.
template <class Block>
void copy_tile_block(const std::byte* tile, int64_t row, int64_t width, int64_t block,
                     std::byte* out) {
  using Layout = TileLayout<Block>;
  const std::byte* apart = tile + block * Layout::block_apart_bytes + row * Layout::apart_bytes;
  const std::byte* dwords =
      tile + Layout::apart_plane_bytes(width) + block * Layout::block_dword_bytes + row * 4;
  for (int64_t i = 0; i < Layout::dwords; ++i)
    std::memcpy(out + Layout::first_dword + 4 * i, dwords + tile_rows * 4 * i, 4);
  if constexpr (Layout::apart_bytes > 0)
    std::memcpy(out + Layout::apart_offset, apart, Layout::apart_bytes);
}

}  // namespace

template <DType type>
void get_row(const void* row, int64_t width, float* out) noexcept {
  codec_of(type).decode(static_cast<const std::byte*>(row), out, width);
}

template <DType type, class Block>
void get_tile_row(const void* tiles, int64_t row, int64_t width, float* out) noexcept {
  const int64_t row_bytes = width / Block::values * static_cast<int64_t>(sizeof(Block));
  const std::byte* tile =
      static_cast<const std::byte*>(tiles) + row_offset(Layout::tiles, row_bytes, row);
  for (int64_t block = 0; block < width / Block::values; ++block) {
    std::byte bytes[sizeof(Block)];
    copy_tile_block<Block>(tile, row % tile_rows, width, block, bytes);
    codec_of(type).decode(bytes, out + block * Block::values, Block::values);
  }
}

template void get_row<DType::f32>(const void*, int64_t, float*) noexcept;
template void get_row<DType::f16>(const void*, int64_t, float*) noexcept;
template void get_row<DType::bf16>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q8_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q4_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q4_1>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q5_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q5_1>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q2_k>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q3_k>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q4_k>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q5_k>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q6_k>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq1_s>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq1_m>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq2_xxs>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq2_xs>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq2_s>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq3_xxs>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq3_s>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq4_nl>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq4_xs>(const void*, int64_t, float*) noexcept;
template void get_row<DType::mxfp4>(const void*, int64_t, float*) noexcept;
template void get_row<DType::nvfp4>(const void*, int64_t, float*) noexcept;
template void get_row<DType::tq1_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::tq2_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q2_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q1_0>(const void*, int64_t, float*) noexcept;

template void get_tile_row<DType::q8_0, BlockQ8_0>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::q4_0, BlockQ4_0>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::q4_1, BlockQ4_1>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::q5_0, BlockQ5_0>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::q5_1, BlockQ5_1>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::q2_k, BlockQ2K>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::q3_k, BlockQ3K>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::q4_k, BlockQ4K>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::q5_k, BlockQ5K>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::q6_k, BlockQ6K>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::iq1_s, BlockIq1S>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::iq1_m, BlockIq1M>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::iq2_xxs, BlockIq2Xxs>(const void*, int64_t, int64_t,
                                                        float*) noexcept;
template void get_tile_row<DType::iq2_xs, BlockIq2Xs>(const void*, int64_t, int64_t,
                                                      float*) noexcept;
template void get_tile_row<DType::iq2_s, BlockIq2S>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::iq3_xxs, BlockIq3Xxs>(const void*, int64_t, int64_t,
                                                        float*) noexcept;
template void get_tile_row<DType::iq3_s, BlockIq3S>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::iq4_nl, BlockIq4Nl>(const void*, int64_t, int64_t,
                                                      float*) noexcept;
template void get_tile_row<DType::iq4_xs, BlockIq4Xs>(const void*, int64_t, int64_t,
                                                      float*) noexcept;
template void get_tile_row<DType::mxfp4, BlockMxfp4>(const void*, int64_t, int64_t,
                                                     float*) noexcept;
template void get_tile_row<DType::nvfp4, BlockNvfp4>(const void*, int64_t, int64_t,
                                                     float*) noexcept;
template void get_tile_row<DType::tq1_0, BlockTq1_0>(const void*, int64_t, int64_t,
                                                     float*) noexcept;
template void get_tile_row<DType::tq2_0, BlockTq2_0>(const void*, int64_t, int64_t,
                                                     float*) noexcept;
template void get_tile_row<DType::q2_0, BlockQ2_0>(const void*, int64_t, int64_t, float*) noexcept;
template void get_tile_row<DType::q1_0, BlockQ1_0>(const void*, int64_t, int64_t, float*) noexcept;

}  // namespace hearth::engine
