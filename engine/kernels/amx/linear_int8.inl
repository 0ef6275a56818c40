// Prompts of quantised weights on the tile unit: 64 rows at a time are unpacked to bytes with one
// scale per row and 256 values, then multiplied by all columns. While the tile unit works on one
// product the vector units scale the one before.
#pragma once

#include "engine/kernels/amx/fold.inl"
#include "engine/kernels/amx/prompt_columns.inl"
#include "engine/kernels/amx/tile_unit.inl"
#include "engine/kernels/ops/linear_blocks.inl"

constexpr int64_t slab_blocks = 32;  // of 256 values, unpacked at once

struct alignas(64) Int8Scratch {
  uint8_t weights[slab_blocks][panel_groups][4 * tile_bytes];
  float scales[slab_blocks][panel_rows];
  int32_t products[2][pair_columns][32];
  int32_t low_products[pair_columns][32];
  float sums[pair_columns][panel_rows];
  Panel panel;
  LinearScratch rows;
};

// A product of 32 columns with 32 rows over one block that waits to be scaled and added up.
struct PendingProduct {
  const int32_t (*products)[32];
  const float* row_scales;  // [32]
  float unit;               // of the products: 1, or 2^-8 where low parts are in them
  const float* column_scale;
  int64_t column_scale_stride;  // in floats
  float (*sums)[panel_rows];    // at the product's first row
  int64_t column_count;
};

// Quarter `part` of the columns.
inline void add_pending(const PendingProduct& pending, int part) {
  const F32x16 unit = splat(pending.unit);
  const F32x16 scales[2] = {mul(load(pending.row_scales), unit),
                            mul(load(pending.row_scales + 16), unit)};
  const int64_t end = part * 8 + 8 < pending.column_count ? part * 8 + 8 : pending.column_count;
  for (int64_t c = part * 8; c < end; ++c) {
    const F32x16 x = splat(pending.column_scale[c * pending.column_scale_stride]);
    for (int half = 0; half < 2; ++half) {
      float* sum = pending.sums[c] + 16 * half;
      const F32x16 product = to_float(load_i32(pending.products[c] + 16 * half));
      store(sum, fma(x, mul(product, scales[half]), load(sum)));
    }
  }
}

// products[column][row] of one block: `columns` in rows of 64 bytes `stride` apart, `weights` two
// groups of 16 rows.
template <bool both>
inline void multiply_tiles(const int8_t* columns, int64_t stride, const uint8_t* weights,
                           int32_t (*products)[32], const PendingProduct* pending) {
  const int8_t* high_columns = columns + tile_columns * stride;
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (both) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int part = 0; part < 4; ++part) {
    _tile_loadd(4, columns + 64 * part, stride);
    _tile_loadd(6, weights + part * tile_bytes, 64);
    _tile_dpbssd(0, 4, 6);
    _tile_loadd(7, weights + (4 + part) * tile_bytes, 64);
    _tile_dpbssd(1, 4, 7);
    if constexpr (both) {
      _tile_loadd(5, high_columns + 64 * part, stride);
      _tile_dpbssd(2, 5, 6);
      _tile_dpbssd(3, 5, 7);
    }
    if (pending != nullptr) add_pending(*pending, part);
  }
  constexpr int64_t product_stride = sizeof(*products);
  _tile_stored(0, products, product_stride);
  _tile_stored(1, products[0] + 16, product_stride);
  if constexpr (both) {
    _tile_stored(2, products + tile_columns, product_stride);
    _tile_stored(3, products[tile_columns] + 16, product_stride);
  }
}

// products = 256 * products + low
inline void join_low_products(int32_t (*products)[32], const int32_t (*low)[32], int64_t count) {
  for (int64_t c = 0; c < count; ++c) {
    for (int half = 0; half < 2; ++half) {
      int32_t* p = products[c] + 16 * half;
      store_i32(p, add_i32(shift_left<8>(load_i32(p)), load_i32(low[c] + 16 * half)));
    }
  }
}

// One slab of one panel times up to 32 columns.
struct PanelProduct {
  int64_t first_block, block_count;
  int64_t row_count;     // of the panel
  GuardedColumn column;  // the first one
  int64_t column_stride;
  int64_t column_count;
};

inline bool any_guarded(const PanelProduct& product, int64_t block) {
  uint64_t bits = 0;
  const GuardedColumn& column = product.column;
  for (int64_t c = 0; c < product.column_count; ++c) {
    const GuardedColumn other{column.data + c * product.column_stride, column.block_count};
    bits |= other.guarded()[block / 64] >> (block % 64);
  }
  return (bits & 1) != 0;
}

template <bool both>
inline void multiply_panel(const PanelProduct& product, Int8Scratch& scratch) {
  const GuardedColumn& column = product.column;
  const int64_t pairs = product.row_count > 32 ? 2 : 1;
  PendingProduct pending{};
  const PendingProduct* waiting = nullptr;
  int parity = 0;
  for (int64_t b = 0; b < product.block_count; ++b) {
    const int64_t block = product.first_block + b;
    const bool guarded = any_guarded(product, block);
    for (int64_t pair = 0; pair < pairs; ++pair) {
      int32_t(*products)[32] = scratch.products[parity];
      const uint8_t* weights = scratch.weights[b][2 * pair];
      multiply_tiles<both>(column.q(block), product.column_stride, weights, products, waiting);
      if (guarded) {
        multiply_tiles<both>(column.low(block), product.column_stride, weights,
                             scratch.low_products, nullptr);
        join_low_products(products, scratch.low_products, product.column_count);
      }
      pending = {products,
                 scratch.scales[b] + 32 * pair,
                 guarded ? 0x1p-8f : 1.0f,
                 column.scales() + block,
                 product.column_stride / 4,
                 reinterpret_cast<float(*)[panel_rows]>(scratch.sums[0] + 32 * pair),
                 product.column_count};
      waiting = &pending;
      parity ^= 1;
    }
  }
  for (int part = 0; part < 4; ++part) add_pending(pending, part);
}

// Rows of a panel; a last group that is short is filled up.
template <class Format>
inline void unpack_slab(const LinearArgs& args, int64_t row, int64_t row_count, int64_t first_block,
                        int64_t block_count, Int8Scratch& scratch) {
  constexpr int64_t block_bytes =
      256 / Format::values * static_cast<int64_t>(sizeof(typename Format::Block));
  for (int64_t group = 0; 16 * group < row_count; ++group) {
    const uint8_t* first = static_cast<const uint8_t*>(args.weight) +
                           (row + 16 * group) * args.row_bytes + first_block * block_bytes;
    for (int64_t b = 0; b < block_count; ++b) {
      const uint8_t* at = first + b * block_bytes;
      unpack_rows<Format>({at, args.row_bytes, at}, row_count - 16 * group,
                          args.width - 256 * (first_block + b), scratch.rows, scratch.panel);
      fold_panel<typename Format::Shape>(scratch.panel, scratch.weights[b][group],
                                         scratch.scales[b] + 16 * group);
    }
  }
}

inline void load_sums(const LinearArgs& args, int64_t row, int64_t row_count, int64_t column,
                      int64_t count, bool is_first, Int8Scratch& scratch) {
  for (int64_t c = 0; c < count; ++c) {
    const float* from = args.output + (column + c) * args.output_stride + row;
    for (int64_t r = 0; r < row_count; r += 16) {
      const int64_t left = row_count - r < 16 ? row_count - r : 16;
      store(scratch.sums[c] + r, is_first ? zero_f32() : load_first(from + r, left));
    }
  }
}

inline void store_sums(const LinearArgs& args, int64_t row, int64_t row_count, int64_t column,
                       int64_t count, const Int8Scratch& scratch) {
  for (int64_t c = 0; c < count; ++c) {
    float* to = args.output + (column + c) * args.output_stride + row;
    for (int64_t r = 0; r < row_count; r += 16) {
      const int64_t left = row_count - r < 16 ? row_count - r : 16;
      store_first(to + r, left, load(scratch.sums[c] + r));
    }
  }
}

template <class Format>
inline void linear_int8(const LinearArgs& args) noexcept {
  Int8Scratch& scratch = *static_cast<Int8Scratch*>(args.scratch);
  const int64_t block_count = (args.width + 255) / 256;
  // The kernels only read the columns.
  auto* columns = static_cast<uint8_t*>(const_cast<void*>(args.columns));
  for (int64_t row = args.row_begin; row < args.row_end; row += panel_rows) {
    const int64_t row_count = args.row_end - row < panel_rows ? args.row_end - row : panel_rows;
    for (int64_t block = 0; block < block_count; block += slab_blocks) {
      const int64_t blocks = block_count - block < slab_blocks ? block_count - block : slab_blocks;
      unpack_slab<Format>(args, row, row_count, block, blocks, scratch);
      for_each_column_pair(args.column_count, [&](int64_t column, int64_t count) {
        load_sums(args, row, row_count, column, count, block == 0, scratch);
        const PanelProduct product{block,
                                   blocks,
                                   row_count,
                                   {columns + column * args.column_stride_bytes, block_count},
                                   args.column_stride_bytes,
                                   count};
        if (count > tile_columns) {
          multiply_panel<true>(product, scratch);
        } else {
          multiply_panel<false>(product, scratch);
        }
        store_sums(args, row, row_count, column, count, scratch);
      });
    }
  }
  _tile_release();
}
