// Q5_K: Q4_K with a fifth bit per value, kept apart: bit s of qh[l] belongs to element l of
// sub-block s.
#pragma once

#include "engine/kernels/ops/panel.inl"

struct Q5K {
  using Block = BlockQ5K;
  static constexpr int values = 256;
  using Shape = PanelShape<32, false, Mins::per_32>;
  static constexpr int weight_max = 31;

  template <class Rows>
  static void unpack(Rows& rows, int64_t /*values_left*/, Panel& panel) {
    unpack_k_header(rows, panel);
    const I32x16 nibble = splat_i32(0x0f0f0f0f);
    const I32x16 bit = splat_i32(0x10101010);
    for (int half = 0; half < 2; ++half) {
      I32x16 high[4];
      load_row_dwords(rows, 16 + 16 * half, high);
      for (int pair = 0; pair < 4; ++pair) {
        I32x16 q[4];
        load_row_dwords(rows, 48 + 32 * pair + 16 * half, q);
        uint8_t(*out)[64] = panel.weights + pair * 16 + half * 4;
        for (int i = 0; i < 4; ++i) {
          store_i32(out[i], bit_or(bit_and(q[i], nibble), bit_and(shift_left<4>(high[i]), bit)));
          store_i32(out[8 + i], bit_or(bit_and(shift_right<4>(q[i]), nibble),
                                       bit_and(shift_left<3>(high[i]), bit)));
          high[i] = shift_right<2>(high[i]);
        }
      }
    }
  }
};
