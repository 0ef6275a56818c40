// Q4_K: eight sub-blocks of 32 unsigned nibbles, 6-bit scales and mins.
#pragma once

#include "engine/kernels/ops/panel.inl"

struct Q4K {
  using Block = BlockQ4K;
  static constexpr int values = 256;  // per block in memory
  using Shape = PanelShape<32, false, Mins::per_32>;
  static constexpr int weight_max = 15;

  // `values_left`: of the row, from this block on.
  template <class Rows>
  static void unpack(Rows& rows, int64_t /*values_left*/, Panel& panel) {
    unpack_k_header(rows, panel);
    const I32x16 nibble = splat_i32(0x0f0f0f0f);
    for (int part = 0; part < 8; ++part) {
      I32x16 q[4];
      load_row_dwords(rows, 16 + 16 * part, q);
      // Pair part / 2 of sub-blocks: the low nibbles are the first 8 dwords, the high ones the
      // next 8.
      uint8_t(*out)[64] = panel.weights + part / 2 * 16 + part % 2 * 4;
      for (int i = 0; i < 4; ++i) {
        store_i32(out[i], bit_and(q[i], nibble));
        store_i32(out[8 + i], bit_and(shift_right<4>(q[i]), nibble));
      }
    }
  }
};
