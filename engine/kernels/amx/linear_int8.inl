// Prompts of quantised weights on the tile unit: panel_rows rows at a time are unpacked to bytes
// with one scale per row and 256 values, then multiplied by all columns. While the tile unit works
// on one product the vector units scale the one before.
#pragma once

#include "engine/kernels/amx/fold.inl"
#include "engine/kernels/amx/low_parts.inl"
#include "engine/kernels/amx/rows_at.inl"
#include "engine/kernels/amx/tile_unit.inl"

struct alignas(64) Int8Scratch {
  uint8_t weights[slab_blocks][panel_groups][block_tiles * unit_bytes];
  float row_scales[slab_blocks][panel_rows];
  float column_scales[slab_blocks][pair_columns];
  int32_t products[2][pair_columns][32];
  LowParts low;
  float sums[pair_columns][panel_rows];
  Panel panels[2];
  LinearScratch rows;
};

// What becomes of a product that is scaled: a panel's first one opens the sums, the last one writes
// them out.
enum class Phase { none, first, middle, last, only };

// A product of 32 columns with 32 rows over one block that waits to be scaled and added up.
struct PendingProduct {
  const int32_t (*products)[32];
  const float* row_scales;     // [32]
  const float* column_scales;  // [32]
  float (*sums)[panel_rows];   // at the product's first row
  float* output;               // of the first column, for the last product
  int64_t output_stride;
};

// Part `part` of block_tiles of the columns.
template <Phase phase>
[[gnu::always_inline]] inline void add_pending(const PendingProduct& pending, int part) {
  constexpr int count = pair_columns / block_tiles;
  constexpr bool opens = phase == Phase::first || phase == Phase::only;
  constexpr bool closes = phase == Phase::last || phase == Phase::only;
  const F32x16 low_scale = load(pending.row_scales);
  const F32x16 high_scale = load(pending.row_scales + 16);
#pragma GCC unroll 8
  for (int i = 0; i < count; ++i) {
    const int c = part * count + i;
    const F32x16 x = splat(pending.column_scales[c]);
    const int32_t* products = pending.products[c];
    float* sums = pending.sums[c];
    float* to = closes ? pending.output + c * pending.output_stride : sums;
    const F32x16 low = mul(to_float(load_i32(products)), low_scale);
    const F32x16 high = mul(to_float(load_i32(products + 16)), high_scale);
    store(to, fma(x, low, opens ? zero_f32() : load(sums)));
    store(to + 16, fma(x, high, opens ? zero_f32() : load(sums + 16)));
  }
}

// Output lines of a 32 x 32 product that will be written much later: asked for now, a few at a
// time, stores do not have to wait for them.
struct OutputAhead {
  const float* first;  // null: none
  int64_t stride;

  void fetch(int64_t column, int64_t count) const {
    if (first == nullptr) return;
    const float* at = first + column * stride;
    for (int64_t c = 0; c < count; ++c, at += stride) {
      __builtin_prefetch(at, 1, 3);
      __builtin_prefetch(at + 16, 1, 3);
    }
  }
};

// A block of 32 columns that will be multiplied next: a quarter of it is fetched with every
// product, a column with every part, so that the tile unit finds it in the cache.
struct ColumnsAhead {
  const int8_t* first;  // null: none
  int64_t stride;

  void fetch(int part) const {
    if (first == nullptr) return;
    const int8_t* at = first + part * stride;
#pragma GCC unroll 8
    for (int64_t line = 0; line < prompt_block / 64; ++line)
      __builtin_prefetch(at + 64 * line, 0, 3);
  }
};

// products[column][row] of one block.
struct TileProduct {
  const int8_t* columns;
  int64_t stride;          // between columns
  const uint8_t* weights;  // two groups of 16 rows
  int64_t tiles;           // of 64 values
  int32_t (*products)[32];
  OutputAhead ahead;
  ColumnsAhead next;
};

template <bool both, Phase phase>
[[gnu::always_inline]] inline void multiply_tiles(const TileProduct& product,
                                                  const PendingProduct& pending) {
  const int8_t* columns = product.columns;
  const int64_t stride = product.stride;
  const uint8_t* weights = product.weights;
  int32_t(*products)[32] = product.products;
  const int8_t* high_columns = columns + tile_columns * stride;
  finish_writes();
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (both) {
    _tile_zero(2);
    _tile_zero(3);
  }
  const auto multiply = [&](int64_t part) __attribute__((always_inline)) {
    _tile_loadd(4, columns + 64 * part, stride);
    _tile_loadd(6, weights + part * unit_bytes, 64);
    _tile_dpbssd(0, 4, 6);
    _tile_loadd(7, weights + (block_tiles + part) * unit_bytes, 64);
    _tile_dpbssd(1, 4, 7);
    if constexpr (both) {
      _tile_loadd(5, high_columns + 64 * part, stride);
      _tile_dpbssd(2, 5, 6);
      _tile_dpbssd(3, 5, 7);
    }
  };
  if (product.tiles == block_tiles) {
#pragma GCC unroll 8
    for (int part = 0; part < block_tiles; ++part) {
      multiply(part);
      constexpr int count = pair_columns / block_tiles;
      if constexpr (both) product.ahead.fetch(part * count, count);
      if constexpr (both) product.next.fetch(part);
      if constexpr (phase != Phase::none) add_pending<phase>(pending, part);
    }
  } else {
    for (int64_t part = 0; part < product.tiles; ++part) multiply(part);
    for (int part = 0; phase != Phase::none && part < block_tiles; ++part)
      add_pending<phase>(pending, part);
  }
  constexpr int64_t product_stride = sizeof(*products);
  _tile_stored(0, products, product_stride);
  _tile_stored(1, products[0] + 16, product_stride);
  if constexpr (both) {
    _tile_stored(2, products + tile_columns, product_stride);
    _tile_stored(3, products[tile_columns] + 16, product_stride);
  }
}

// One slab of one panel times up to 32 columns.
struct PanelProduct {
  ColumnSlab slab;
  int64_t first_column, column_count;
  int64_t column_pair;  // as the low parts are listed
  int64_t row_pairs;    // of 32 rows
  bool opens;           // the sums begin with zero; otherwise they are in scratch.sums
  float* output;        // of the first column and row; null: the sums are left in scratch.sums
  int64_t output_stride;
};

// Brings the scales of the columns together. Where a low part is joined to the products, they
// count 256ths.
inline void gather_scales(const PanelProduct& product, Int8Scratch& scratch) {
  const ColumnSlab& slab = product.slab;
  for (int64_t c = 0; c < product.column_count; ++c) {
    const float* scales = slab.column(product.first_column + c).scales() + slab.first_block;
    for (int64_t b = 0; b < slab.block_count; ++b) scratch.column_scales[b][c] = scales[b];
  }
  for (int64_t b = 0; b < slab.block_count; ++b) {
    for (uint32_t bits = scratch.low.guarded[b][product.column_pair]; bits != 0; bits &= bits - 1)
      scratch.column_scales[b][__builtin_ctz(bits)] *= 0x1p-8f;
  }
}

template <bool both>
inline void multiply_block(const TileProduct& product, const PendingProduct& pending, Phase phase) {
  if (phase == Phase::none) {
    multiply_tiles<both, Phase::none>(product, pending);
  } else if (phase == Phase::first) {
    multiply_tiles<both, Phase::first>(product, pending);
  } else if (phase == Phase::middle) {
    multiply_tiles<both, Phase::middle>(product, pending);
  } else if (phase == Phase::last) {
    multiply_tiles<both, Phase::last>(product, pending);
  } else {
    multiply_tiles<both, Phase::only>(product, pending);
  }
}

inline void add_last(const PendingProduct& pending, Phase phase) {
  for (int part = 0; part < block_tiles; ++part) {
    if (phase == Phase::first) add_pending<Phase::first>(pending, part);
    if (phase == Phase::middle) add_pending<Phase::middle>(pending, part);
    if (phase == Phase::last) add_pending<Phase::last>(pending, part);
    if (phase == Phase::only) add_pending<Phase::only>(pending, part);
  }
}

// What is multiplied behind block `b` of the slab, or null.
inline const int8_t* next_columns(const PanelProduct& product, int64_t b) {
  const ColumnSlab& slab = product.slab;
  if (b + 1 < slab.block_count)
    return slab.column(product.first_column).q(slab.first_block + b + 1);
  const int64_t next = product.first_column + product.column_count;
  return next < slab.count ? slab.column(next).q(slab.first_block) : nullptr;
}

inline Phase phase_of(const PanelProduct& product, int64_t block) {
  const bool opens = product.opens && block == 0;
  const bool closes = product.output != nullptr && block == product.slab.block_count - 1;
  if (opens) return closes ? Phase::only : Phase::first;
  return closes ? Phase::last : Phase::middle;
}

template <bool both>
inline void multiply_panel(const PanelProduct& product, Int8Scratch& scratch) {
  gather_scales(product, scratch);
  const ColumnSlab& slab = product.slab;
  PendingProduct pending{};
  pending.output_stride = product.output_stride;
  Phase phase = Phase::none;
  int parity = 0;
  for (int64_t b = 0; b < slab.block_count; ++b) {
    const int8_t* columns = slab.column(product.first_column).q(slab.first_block + b);
    const int8_t* next = next_columns(product, b);
    for (int64_t pair = 0; pair < product.row_pairs; ++pair) {
      TileProduct part{columns,
                       slab.stride,
                       scratch.weights[b][2 * pair],
                       slab.tiles_of(b),
                       scratch.products[parity],
                       {nullptr, product.output_stride},
                       {next, slab.stride}};
      if (next != nullptr) next += pair_columns / 4 * slab.stride;
      if (b == 0 && product.output != nullptr) part.ahead.first = product.output + 32 * pair;
      multiply_block<both>(part, pending, phase);
      join_low_parts(scratch.low, b, product.column_pair, 32 * pair, scratch.products[parity]);
      pending.products = scratch.products[parity];
      pending.row_scales = scratch.row_scales[b] + 32 * pair;
      pending.column_scales = scratch.column_scales[b];
      pending.sums = reinterpret_cast<float(*)[panel_rows]>(scratch.sums[0] + 32 * pair);
      pending.output = product.output + 32 * pair;
      phase = phase_of(product, b);
      parity ^= 1;
    }
  }
  add_last(pending, phase);
}

// One slab of a panel; a last group that is short of rows is filled up.
template <class Format, class Rows>
inline void unpack_slab(const LinearArgs& args, int64_t row, int64_t row_count, int64_t first_block,
                        int64_t block_count, Int8Scratch& scratch) {
  for (int64_t group = 0; 16 * group < row_count; ++group) {
    for (int64_t b = 0; b < block_count; ++b) {
      const int64_t value = (first_block + b) * prompt_block;
      int count = 0;
      for (; count < 2 && value + 256 * count < args.width; ++count) {
        unpack_rows<Format>(rows_at<Rows>(args, row + 16 * group, value / 256 + count),
                            row_count - 16 * group, args.width - value - 256 * count, scratch.rows,
                            scratch.panels[count]);
      }
      fold_panels<typename Format::Shape>(scratch.panels, count, scratch.weights[b][group],
                                          scratch.row_scales[b] + 16 * group);
    }
  }
}

template <class Format>
inline void unpack_slab(const LinearArgs& args, int64_t row, int64_t row_count, int64_t first_block,
                        int64_t block_count, Int8Scratch& scratch) {
  if (args.layout == Layout::tiles) {
    unpack_slab<Format, TileBlocks<Format>>(args, row, row_count, first_block, block_count,
                                            scratch);
  } else {
    unpack_slab<Format, RowBlocks<Format>>(args, row, row_count, first_block, block_count, scratch);
  }
}

// Sums of columns between the output and scratch memory.
inline void move_sums(const LinearArgs& args, int64_t row, int64_t row_count, int64_t column,
                      int64_t count, bool to_output, float (*sums)[panel_rows]) {
  for (int64_t c = 0; c < count; ++c) {
    float* output = args.output + (column + c) * args.output_stride + row;
    for (int64_t r = 0; r < row_count; r += 16) {
      const int64_t left = row_count - r < 16 ? row_count - r : 16;
      if (to_output) {
        store_first(output + r, left, load(sums[c] + r));
      } else {
        store(sums[c] + r, load_first(output + r, left));
      }
    }
  }
}

// One slab of a panel of `row_count` rows from `row` on times all columns.
inline void multiply_slab(const LinearArgs& args, int64_t row, int64_t row_count,
                          const ColumnSlab& slab, Int8Scratch& scratch) {
  const int64_t row_pairs = (row_count + 31) / 32;
  const bool opens = slab.first_block == 0;
  for (int64_t begin = 0, end = 0; begin < slab.count; begin = end) {
    end = list_low_parts(slab, begin, scratch.low);
    multiply_low_parts(slab, begin, end, scratch.weights, row_pairs, scratch.low);
    for_each_column_pair(end - begin, [&](int64_t offset, int64_t count) {
      const int64_t column = begin + offset;
      // Whole vectors are written to the output only where all of them belong there.
      const bool is_whole = row_count % 32 == 0 && count == pair_columns;
      if (!opens) move_sums(args, row, row_count, column, count, false, scratch.sums);
      float* output = is_whole ? args.output + column * args.output_stride + row : nullptr;
      const PanelProduct product{slab,      column, count,  offset / pair_columns,
                                 row_pairs, opens,  output, args.output_stride};
      if (count > tile_columns) {
        multiply_panel<true>(product, scratch);
      } else {
        multiply_panel<false>(product, scratch);
      }
      if (!is_whole) move_sums(args, row, row_count, column, count, true, scratch.sums);
    });
  }
}

template <class Format>
inline void linear_int8(const LinearArgs& args) noexcept {
  Int8Scratch& scratch = *static_cast<Int8Scratch*>(args.scratch);
  const int64_t block_count = (args.width + prompt_block - 1) / prompt_block;
  // The kernels only read the columns.
  auto* columns = static_cast<uint8_t*>(const_cast<void*>(args.columns));
  for (int64_t row = args.row_begin; row < args.row_end; row += panel_rows) {
    const int64_t row_count = args.row_end - row < panel_rows ? args.row_end - row : panel_rows;
    for (int64_t block = 0; block < block_count; block += slab_blocks) {
      const int64_t blocks = block_count - block < slab_blocks ? block_count - block : slab_blocks;
      unpack_slab<Format>(args, row, row_count, block, blocks, scratch);
      const ColumnSlab slab{{columns, block_count},
                            args.column_stride_bytes,
                            args.column_count,
                            args.width,
                            block,
                            blocks};
      multiply_slab(args, row, row_count, slab, scratch);
    }
  }
  _tile_release();
}
