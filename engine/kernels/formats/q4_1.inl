// Q4_1: blocks of 32 unsigned nibbles with a half-precision scale and minimum.
#pragma once

#include "engine/kernels/ops/panel.inl"

struct Q4_1 {
  using Block = BlockQ4_1;
  static constexpr int values = 32;
  using Shape = PanelShape<32, false, Mins::floats>;
  static constexpr int weight_max = 15;

  template <class Rows>
  static void unpack(Rows& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    const I32x16 nibble = splat_i32(0x0f0f0f0f);
    for (int sub = 0; sub < count; ++sub) {
      store(panel.scales[sub], load_row_halves(rows, 0));
      store(panel.mins[sub], load_row_halves(rows, 2));
      I32x16 q[4];
      load_row_dwords(rows, 4, q);
      for (int i = 0; i < 4; ++i) {
        store_i32(panel.weights[sub * 8 + i], bit_and(q[i], nibble));
        store_i32(panel.weights[sub * 8 + 4 + i], bit_and(shift_right<4>(q[i]), nibble));
      }
      next_block(rows);
    }
    clear_sub_blocks<Shape>(panel, count);
  }
};
