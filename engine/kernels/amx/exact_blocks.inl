// Decoding of many columns on the tile unit, bit for bit as ops/linear_blocks.inl does it: the unit
// multiplies 16 columns with 16 rows over one sub-block, which is exact, while the vector units
// scale and add up earlier sub-blocks in the order of docs/numerics.md.
#pragma once

#include "engine/kernels/ops/linear_blocks.inl"

constexpr int64_t tile_columns = 16;
// Fewer columns, or so few that are left of a multiple of 16, are quicker on the vector units.
constexpr int64_t exact_columns_min = 12;

// How many of the first columns are done here.
inline int64_t exact_column_count(int64_t count) {
  const int64_t left = count % tile_columns;
  return left >= exact_columns_min ? count : count - left;
}

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

struct ExactScratch {
  LinearScratch linear;
  // Of sub-block j in [j % 4]: written and read at the same time, two sub-blocks apart.
  alignas(64) int32_t products[4][tile_columns][16];
  // Integer minimums of each column of a unit.
  alignas(64) int32_t mins[tile_columns][16];
  // The last columns, filled up to a whole tile.
  alignas(64) Q8Block rest[tile_columns];
};

// Tiles 0 to 3 hold the products of sub-block j in j % 4, 4 and 5 columns, 6 and 7 weights.
inline void configure_exact_tiles(int64_t sub_values) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.rows[tile] = static_cast<uint8_t>(tile < 6 ? tile_columns : sub_values / 4);
    config.row_bytes[tile] = static_cast<uint16_t>(tile == 4 || tile == 5 ? sub_values : 64);
  }
  // GCC takes only the first eight bytes for read.
  __asm__ volatile("" ::: "memory");
  _tile_loadconfig(&config);
}

// 16 columns and 16 rows of one block.
struct ExactUnit {
  const uint8_t* columns;
  int64_t stride;
  const Panel* panel;
  float* accumulators;
};

// Starts sub-block `sub`: its product appears in tile sub % 4.
template <class Shape, int sub>
[[gnu::always_inline]] inline void start_product(const ExactUnit& unit) {
  const uint8_t* x = unit.columns + sub * Shape::sub_values;
  const uint8_t* w = unit.panel->weights[sub * Shape::sub_values / 4];
#define HEARTH_START(product, column, weight) \
  _tile_zero(product);                        \
  _tile_loadd(column, x, unit.stride);        \
  _tile_loadd(weight, w, 64);                 \
  if constexpr (Shape::is_signed) {           \
    _tile_dpbssd(product, column, weight);    \
  } else {                                    \
    _tile_dpbsud(product, column, weight);    \
  }
  if constexpr (sub % 4 == 0) {
    HEARTH_START(0, 4, 6)
  } else if constexpr (sub % 4 == 1) {
    HEARTH_START(1, 5, 7)
  } else if constexpr (sub % 4 == 2) {
    HEARTH_START(2, 4, 6)
  } else {
    HEARTH_START(3, 5, 7)
  }
#undef HEARTH_START
}

template <int sub>
[[gnu::always_inline]] inline void store_product(ExactScratch& scratch) {
  if constexpr (sub % 4 == 0) {
    _tile_stored(0, scratch.products[0], 64);
  } else if constexpr (sub % 4 == 1) {
    _tile_stored(1, scratch.products[1], 64);
  } else if constexpr (sub % 4 == 2) {
    _tile_stored(2, scratch.products[2], 64);
  } else {
    _tile_stored(3, scratch.products[3], 64);
  }
}

inline const Q8Block& column_of(const ExactUnit& unit, int64_t index) {
  return *reinterpret_cast<const Q8Block*>(unit.columns + index * unit.stride);
}

// The integers of one column's minimums, which the sums get at the end of the unit.
[[gnu::always_inline]] inline void start_mins(const ExactUnit& unit, int64_t index,
                                              const I32x16 (&min_pairs)[4], ExactScratch& scratch) {
  const int16_t* sums = column_of(unit, index).sums32;
  I32x16 mins = zero_i32();
#pragma GCC unroll 4
  for (int pair = 0; pair < 4; ++pair)
    mins = dot_pairs(mins, min_pairs[pair], splat_dword(sums + 2 * pair));
  store_i32(scratch.mins[index], mins);
}

// Sub-block `sub` of a unit joins the sums, two later ones are on their way: of `next`, the unit
// behind this one, where this one ends.
template <class Shape, int sub>
[[gnu::always_inline]] inline void add_product(const ExactUnit& unit, const ExactUnit* next,
                                               const I32x16 (&min_pairs)[4], ExactScratch& scratch,
                                               F32x16 (&sums)[1][tile_columns]) {
  constexpr int subs = 256 / Shape::sub_values;
  if constexpr (sub + 3 < subs) {
    start_product<Shape, sub + 3>(unit);
  } else if (next != nullptr) {
    start_product<Shape, sub + 3 - subs>(*next);
  }
  store_product<sub + 1>(scratch);
  if constexpr (Shape::mins == Mins::per_32) {
    start_mins(unit, 2 * sub, min_pairs, scratch);
    start_mins(unit, 2 * sub + 1, min_pairs, scratch);
  }
  const F32x16 scale = load(unit.panel->scales[sub]);
#pragma GCC unroll 16
  for (int c = 0; c < tile_columns; ++c)
    sums[0][c] = fma(scale, to_float(load_i32(scratch.products[sub % 4][c])), sums[0][c]);
  if constexpr (sub + 1 < subs) add_product<Shape, sub + 1>(unit, next, min_pairs, scratch, sums);
}

template <class Shape>
[[gnu::always_inline]] inline void add_unit_mins(const ExactUnit& unit, const ExactScratch& scratch,
                                                 F32x16 (&sums)[1][tile_columns]) {
  if constexpr (Shape::mins == Mins::per_32) {
    const F32x16 factor = load(unit.panel->negated_min_scale);
#pragma GCC unroll 16
    for (int c = 0; c < tile_columns; ++c)
      sums[0][c] = fma(factor, to_float(load_i32(scratch.mins[c])), sums[0][c]);
  } else if constexpr (Shape::mins != Mins::none) {
    const Q8Block* column[tile_columns];
#pragma GCC unroll 16
    for (int c = 0; c < tile_columns; ++c) column[c] = &column_of(unit, c);
    add_mins<Shape, 1, tile_columns>(unit.panel, column, sums);
  }
}

// unit.accumulators += its product. Its first three sub-blocks are started, the first is stored;
// on return those of `next` are.
template <class Shape>
[[gnu::noinline]] void add_unit(const ExactUnit& unit, const ExactUnit* next,
                                ExactScratch& scratch) {
  F32x16 sums[1][tile_columns];
#pragma GCC unroll 16
  for (int c = 0; c < tile_columns; ++c) sums[0][c] = zero_f32();
  I32x16 min_pairs[4] = {};
  if constexpr (Shape::mins == Mins::per_32) {
#pragma GCC unroll 4
    for (int pair = 0; pair < 4; ++pair) min_pairs[pair] = load_i32(unit.panel->min_pairs[pair]);
  }
  add_product<Shape, 0>(unit, next, min_pairs, scratch, sums);
  add_unit_mins<Shape>(unit, scratch, sums);
#pragma GCC unroll 16
  for (int c = 0; c < tile_columns; ++c) {
    float* accumulator = unit.accumulators + c * group_rows;
    store(accumulator, fma(splat(column_of(unit, c).scale), sums[0][c], load(accumulator)));
  }
}

// As VectorProducts (ops/linear_blocks.inl), with the tiles configured. The last columns are filled
// up to 16.
struct TileProducts {
  template <class Format, int panels>
  static void multiply(const uint8_t* columns, int64_t stride, int64_t count,
                       LinearScratch& linear) {
    using Shape = typename Format::Shape;
    // Its first member: `linear` came from there.
    ExactScratch& scratch = reinterpret_cast<ExactScratch&>(linear);
    const int64_t whole = count / tile_columns * tile_columns;
    const int64_t left = count - whole;
    for (int64_t c = 0; left > 0 && c < tile_columns; ++c) {
      const int64_t column = whole + (c < left ? c : left - 1);
      __builtin_memcpy(&scratch.rest[c], columns + column * stride, sizeof(Q8Block));
    }
    const int64_t tiles = whole / tile_columns + (left > 0 ? 1 : 0);
    const auto unit_at = [&](int64_t index) {
      const int64_t first = index / panels * tile_columns;
      const int64_t p = index % panels;
      const bool is_rest = first == whole;
      return ExactUnit{
          is_rest ? reinterpret_cast<const uint8_t*>(scratch.rest) : columns + first * stride,
          is_rest ? int64_t{sizeof(Q8Block)} : stride, &linear.panels[p],
          linear.accumulators + first * group_rows + 16 * p};
    };
    ExactUnit unit = unit_at(0);
    start_product<Shape, 0>(unit);
    start_product<Shape, 1>(unit);
    start_product<Shape, 2>(unit);
    store_product<0>(scratch);
    for (int64_t i = 1; i < tiles * panels; ++i) {
      const ExactUnit next = unit_at(i);
      add_unit<Shape>(unit, &next, scratch);
      unit = next;
    }
    add_unit<Shape>(unit, nullptr, scratch);
  }
};

template <class Format>
inline void exact_blocks(const LinearArgs& args) noexcept {
  static_assert(signed_bias == 0);
  configure_exact_tiles(Format::Shape::sub_values);
  linear_blocks_with<TileProducts, Format>(args);
  _tile_release();
}
