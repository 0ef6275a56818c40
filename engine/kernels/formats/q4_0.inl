// Q4_0: blocks of 32 nibbles less 8 with a half-precision scale; eight of them make a panel.
#pragma once

#include "engine/kernels/ops/panel.inl"

struct Q4_0 {
  using Block = BlockQ4_0;
  static constexpr int values = 32;
  static constexpr int sub_values = 32;
  static constexpr bool is_signed = true;
  static constexpr bool has_mins = false;

  static void unpack(RowBlocks& rows, int64_t values_left, Panel& panel) {
    const int count = values_left < 256 ? static_cast<int>(values_left / 32) : 8;
    const I32x16 nibble = splat_i32(0x0f0f0f0f);
    const I32x16 offset = splat_i32(0x01010101u * static_cast<uint8_t>(signed_bias - 8));
    for (int sub = 0; sub < count; ++sub) {
      const int64_t offset_bytes = sub * static_cast<int64_t>(sizeof(Block));
      store(panel.scales[sub], load_row_halves(rows, offset_bytes));
      I32x16 q[4];
      load_row_dwords(rows, offset_bytes + 2, q);
      for (int i = 0; i < 4; ++i) {
        store_i32(panel.weights[sub * 8 + i], add_bytes(bit_and(q[i], nibble), offset));
        store_i32(panel.weights[sub * 8 + 4 + i],
                  add_bytes(bit_and(shift_right<4>(q[i]), nibble), offset));
      }
    }
    clear_sub_blocks(panel, count, 8, 8);
  }
};
