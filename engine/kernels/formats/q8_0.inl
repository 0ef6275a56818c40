// Q8_0: blocks of 32 signed bytes with a half-precision scale; eight of them make a panel.
#pragma once

#include "engine/kernels/ops/panel.inl"

struct Q8_0 {
  using Block = BlockQ8_0;
  static constexpr int values = 32;
  using Shape = SignedBy32;

  static void unpack(RowBlocks& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    const I32x16 bias = signed_offset(0);
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
    clear_sub_blocks<Shape>(panel, count);
  }
};
