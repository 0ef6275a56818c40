// The tile unit as products of matrices use it: tiles 0 to 3 hold a 2 x 2 block of products, 4 and
// 5 two times 16 columns, 6 and 7 two times 16 rows of weights. Tile numbers are part of the
// instructions, so they are spelled out.
#pragma once

constexpr int64_t tile_columns = 16;  // columns of the input in one tile
constexpr int64_t unit_bytes = 1024;  // of 16 weight rows: 16 times 64 bytes
constexpr int64_t pair_columns = 2 * tile_columns;
constexpr int64_t panel_rows = 128;  // weight rows that are unpacked together
constexpr int64_t panel_groups = panel_rows / 16;

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  void set(int tile, int64_t row_count) {
    row_bytes[tile] = row_count > 0 ? 64 : 0;
    rows[tile] = static_cast<uint8_t>(row_count);
  }
};

// What was written so far is in memory: GCC does not know that loads of tiles read it.
inline void finish_writes() {
  __asm__ volatile("" ::: "memory");
}

// For up to 32 columns at once; what lies behind them is neither read nor written.
inline void configure_tiles(int64_t column_count) {
  const int64_t low = column_count < tile_columns ? column_count : tile_columns;
  TileConfig config;
  config.set(0, low);
  config.set(1, low);
  config.set(2, column_count - low);
  config.set(3, column_count - low);
  config.set(4, low);
  config.set(5, column_count - low);
  config.set(6, 16);
  config.set(7, 16);
  finish_writes();
  _tile_loadconfig(&config);
}

// The columns of a product in pairs of tiles: calls use(first, count) for each 32 of them and for
// the rest, with the tiles configured for so many.
template <class Use>
inline void for_each_column_pair(int64_t column_count, Use use) {
  int64_t configured = 0;
  for (int64_t column = 0; column < column_count; column += pair_columns) {
    const int64_t left = column_count - column;
    const int64_t count = left < pair_columns ? left : pair_columns;
    if (count != configured) configure_tiles(configured = count);
    use(column, count);
  }
}
