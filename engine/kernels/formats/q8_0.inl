// Q8_0: blocks of 32 signed bytes with a half-precision scale; eight of them make a panel.
#pragma once

#include "engine/kernels/ops/panel.inl"

struct Q8_0 {
  using Block = BlockQ8_0;
  static constexpr int values = 32;
  static constexpr int sub_values = 32;
  static constexpr bool is_signed = true;
  static constexpr bool has_mins = false;

  static void unpack(RowBlocks& rows, int64_t values_left, Panel& panel) {
    const int count = values_left < 256 ? static_cast<int>(values_left / 32) : 8;
    const I32x16 bias = splat_i32(0x01010101u * static_cast<uint8_t>(signed_bias));
    for (int sub = 0; sub < count; ++sub) {
      const int64_t offset = sub * static_cast<int64_t>(sizeof(Block));
      store(panel.scales[sub], load_row_halves(rows, offset));
      for (int half = 0; half < 2; ++half) {
        I32x16 q[4];
        load_row_dwords(rows, offset + 2 + 16 * half, q);
        for (int i = 0; i < 4; ++i)
          store_i32(panel.weights[sub * 8 + half * 4 + i], add_bytes(q[i], bias));
      }
    }
    clear_sub_blocks(panel, count, 8, 8);
  }
};
