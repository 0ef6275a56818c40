// Q4_0: blocks of 32 nibbles less 8 with a half-precision scale; eight of them make a panel.
#pragma once

#include "engine/kernels/ops/panel.inl"

struct Q4_0 {
  using Block = BlockQ4_0;
  static constexpr int values = 32;
  using Shape = SignedBy32;
  static constexpr int weight_max = 8;

  template <class Rows>
  static void unpack(Rows& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    const I32x16 nibble = splat_i32(0x0f0f0f0f);
    const I32x16 offset = signed_offset(8);
    for (int sub = 0; sub < count; ++sub) {
      store(panel.scales[sub], load_row_halves(rows, 0));
      I32x16 q[4];
      load_row_dwords(rows, 2, q);
      for (int i = 0; i < 4; ++i) {
        store_i32(panel.weights[sub * 8 + i], add_bytes(bit_and(q[i], nibble), offset));
        store_i32(panel.weights[sub * 8 + 4 + i],
                  add_bytes(bit_and(shift_right<4>(q[i]), nibble), offset));
      }
      next_block(rows);
    }
    clear_sub_blocks<Shape>(panel, count);
  }
};
