// Prompts of weights that bytes would coarsen, on the tile unit in bf16: panel_rows rows at a time
// are turned into bf16, then multiplied by all columns. Sums stay in the tiles for a whole slab.
#pragma once

#include "engine/kernels/amx/fold.inl"
#include "engine/kernels/amx/prompt_columns.inl"
#include "engine/kernels/amx/rows_at.inl"
#include "engine/kernels/amx/tile_unit.inl"

constexpr int64_t bfloat_slab_blocks = 16;  // of 256 values, turned into bf16 at once
constexpr int64_t bfloat_steps = 8;         // of 32 values in such a block

struct alignas(64) BfloatScratch {
  uint8_t weights[bfloat_slab_blocks * bfloat_steps][panel_groups][unit_bytes];
  float sums[pair_columns][panel_rows];  // of panels that are short of rows
  Panel panel;
  LinearScratch rows;
};

// Where 32 columns x 32 rows of sums are.
struct SumBlock {
  float* data;
  int64_t stride_bytes;  // between columns
};

// sums (+)= columns * weights over `steps` steps of 32 values.
template <bool both>
inline void multiply_bfloats(const uint8_t* columns, int64_t stride,
                             const uint8_t (*weights)[panel_groups][unit_bytes], int64_t pair,
                             int64_t steps, SumBlock sums, bool is_first) {
  const uint8_t* high_columns = columns + tile_columns * stride;
  float* high_sums = sums.data + tile_columns * sums.stride_bytes / 4;
  finish_writes();
  if (is_first) {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (both) {
      _tile_zero(2);
      _tile_zero(3);
    }
  } else {
    _tile_loadd(0, sums.data, sums.stride_bytes);
    _tile_loadd(1, sums.data + 16, sums.stride_bytes);
    if constexpr (both) {
      _tile_loadd(2, high_sums, sums.stride_bytes);
      _tile_loadd(3, high_sums + 16, sums.stride_bytes);
    }
  }
  for (int64_t step = 0; step < steps; ++step) {
    _tile_loadd(4, columns + 64 * step, stride);
    _tile_loadd(6, weights[step][2 * pair], 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, weights[step][2 * pair + 1], 64);
    _tile_dpbf16ps(1, 4, 7);
    if constexpr (both) {
      _tile_loadd(5, high_columns + 64 * step, stride);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, sums.data, sums.stride_bytes);
  _tile_stored(1, sums.data + 16, sums.stride_bytes);
  if constexpr (both) {
    _tile_stored(2, high_sums, sums.stride_bytes);
    _tile_stored(3, high_sums + 16, sums.stride_bytes);
  }
}

// A format of blocks as a source of bf16 tiles.
template <class Format>
struct BlockSource {
  template <class Rows>
  static void fill_from(const LinearArgs& args, int64_t row, int64_t count, int64_t first_block,
                        int64_t block_count, int64_t group, BfloatScratch& scratch) {
    for (int64_t b = 0; b < block_count; ++b) {
      unpack_rows<Format>(rows_at<Rows>(args, row, first_block + b), count,
                          args.width - 256 * (first_block + b), scratch.rows, scratch.panel);
      fold_panel_to_bfloats<typename Format::Shape>(
          scratch.panel, scratch.weights[b * bfloat_steps][group], sizeof(scratch.weights[0]));
    }
  }
  static void fill(const LinearArgs& args, int64_t row, int64_t count, int64_t first_block,
                   int64_t block_count, int64_t group, BfloatScratch& scratch) {
    if (args.layout == Layout::tiles) {
      fill_from<TileBlocks<Format>>(args, row, count, first_block, block_count, group, scratch);
    } else {
      fill_from<RowBlocks<Format>>(args, row, count, first_block, block_count, group, scratch);
    }
  }
};

// Two bytes per value, as they are in memory: F16 and BF16.
template <bool is_half>
struct HalfSource {
  static I32x16 to_bfloats(I32x16 pairs) {
    if constexpr (!is_half) return pairs;
    return pair_bfloats(halves_to_float(pairs), halves_to_float(shift_right<16>(pairs)));
  }
  // Dword `index` of each of `count` rows, lanes = rows; short rows and missing ones end in zeros.
  static I32x16 gather_pairs(const uint8_t* first, int64_t row_bytes, int64_t count,
                             int64_t bytes_left) {
    uint32_t pairs[16] = {};
    for (int64_t i = 0; i < count; ++i) {
      __builtin_memcpy(&pairs[i], first + i * row_bytes,
                       static_cast<size_t>(bytes_left < 4 ? bytes_left : 4));
    }
    return load_i32(pairs);
  }
  // Four dwords of each of 16 rows, lanes = rows.
  static void load_pairs(const uint8_t* a, int64_t stride, I32x16 (&out)[4]) {
    for (int i = 0; i < 4; ++i, a += stride)
      out[i] = load_4x16(a, a + 4 * stride, a + 8 * stride, a + 12 * stride);
    transpose4(out);
  }
  static void fill(const LinearArgs& args, int64_t row, int64_t count, int64_t first_block,
                   int64_t block_count, int64_t group, BfloatScratch& scratch) {
    const uint8_t* first =
        static_cast<const uint8_t*>(args.weight) + row * args.row_bytes + 512 * first_block;
    const int64_t bytes = args.width * 2 - 512 * first_block;
    for (int64_t step = 0; step < block_count * bfloat_steps; ++step) {
      uint8_t* out = scratch.weights[step][group];
      for (int64_t i = 0; i < 16; ++i) {
        const int64_t at = 64 * step + 4 * i;
        if (i % 4 == 0 && count >= 16 && at + 16 <= bytes) {
          I32x16 pairs[4];
          load_pairs(first + at, args.row_bytes, pairs);
          for (int j = 0; j < 4; ++j) store_i32(out + 64 * (i + j), to_bfloats(pairs[j]));
          i += 3;
        } else {
          const I32x16 pairs = at < bytes ? gather_pairs(first + at, args.row_bytes,
                                                         count < 16 ? count : 16, bytes - at)
                                          : zero_i32();
          store_i32(out + 64 * i, to_bfloats(pairs));
        }
      }
    }
  }
};

inline void move_sums(const LinearArgs& args, int64_t row, int64_t row_count, int64_t column,
                      int64_t count, bool to_output, BfloatScratch& scratch) {
  for (int64_t c = 0; c < count; ++c) {
    float* output = args.output + (column + c) * args.output_stride + row;
    for (int64_t r = 0; r < row_count; r += 16) {
      const int64_t left = row_count - r < 16 ? row_count - r : 16;
      if (to_output) {
        store_first(output + r, left, load(scratch.sums[c] + r));
      } else {
        store(scratch.sums[c] + r, load_first(output + r, left));
      }
    }
  }
}

template <class Source>
inline void linear_bfloat(const LinearArgs& args) noexcept {
  BfloatScratch& scratch = *static_cast<BfloatScratch*>(args.scratch);
  const int64_t block_count = (args.width + 255) / 256;
  const auto* columns = static_cast<const uint8_t*>(args.columns);
  for (int64_t row = args.row_begin; row < args.row_end; row += panel_rows) {
    const int64_t row_count = args.row_end - row < panel_rows ? args.row_end - row : panel_rows;
    for (int64_t block = 0; block < block_count; block += bfloat_slab_blocks) {
      const int64_t blocks =
          block_count - block < bfloat_slab_blocks ? block_count - block : bfloat_slab_blocks;
      for (int64_t group = 0; 16 * group < row_count; ++group)
        Source::fill(args, row + 16 * group, row_count - 16 * group, block, blocks, group, scratch);
      const int64_t steps_left = (args.width - 256 * block + 31) / 32;
      const int64_t steps = blocks * bfloat_steps < steps_left ? blocks * bfloat_steps : steps_left;
      const bool whole = row_count == panel_rows;
      for_each_column_pair(args.column_count, [&](int64_t column, int64_t count) {
        if (!whole && block > 0) move_sums(args, row, row_count, column, count, false, scratch);
        for (int64_t pair = 0; 32 * pair < row_count; ++pair) {
          const SumBlock sums =
              whole ? SumBlock{args.output + column * args.output_stride + row + 32 * pair,
                               args.output_stride * 4}
                    : SumBlock{scratch.sums[0] + 32 * pair, sizeof(scratch.sums[0])};
          const uint8_t* from = columns + column * args.column_stride_bytes + 512 * block;
          const auto multiply =
              count > tile_columns ? multiply_bfloats<true> : multiply_bfloats<false>;
          multiply(from, args.column_stride_bytes, scratch.weights, pair, steps, sums, block == 0);
        }
        if (!whole) move_sums(args, row, row_count, column, count, true, scratch);
      });
    }
  }
  _tile_release();
}
