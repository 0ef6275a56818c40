// Q8_0: blocks of 32 signed bytes with a half-precision scale; eight of them make a panel.
#pragma once

#include "engine/kernels/ops/panel.inl"

struct Q8_0 {
  using Block = BlockQ8_0;
  static constexpr int values = 32;
  using Shape = SignedBy32;
  static constexpr int weight_max = 128;

  template <class Rows>
  static void unpack(Rows& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    const I32x16 bias = signed_offset(0);
    for (int sub = 0; sub < count; ++sub) {
      store(panel.scales[sub], load_row_halves(rows, 0));
      for (int half = 0; half < 2; ++half) {
        I32x16 q[4];
        load_row_dwords(rows, 2 + 16 * half, q);
        for (int i = 0; i < 4; ++i)
          store_i32(panel.weights[sub * 8 + half * 4 + i], add_bytes(q[i], bias));
      }
      next_block(rows);
    }
    clear_sub_blocks<Shape>(panel, count);
  }
};
