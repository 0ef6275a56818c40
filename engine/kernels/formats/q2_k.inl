// Q2_K: sixteen sub-blocks of 16 unsigned 2-bit values, 4-bit scales and mins.
#pragma once

#include "engine/kernels/ops/panel.inl"

struct Q2K {
  using Block = BlockQ2K;
  static constexpr int values = 256;
  using Shape = PanelShape<16, false, Mins::per_16>;
  static constexpr int weight_max = 3;

  template <class Rows>
  static void unpack(Rows& rows, int64_t /*values_left*/, Panel& panel) {
    const F32x16 d = load_row_halves(rows, 80);
    store(panel.negated_min_scale, sub(zero_f32(), load_row_halves(rows, 82)));
    const I32x16 nibble = splat_i32(0x0f0f0f0f);
    I32x16 scales[4];
    load_row_dwords(rows, 0, scales);
    for (int i = 0; i < 4; ++i) {
      store_scales_unsigned(panel, 4 * i, d, bit_and(scales[i], nibble));
      store_min_pairs(panel, 2 * i, bit_and(shift_right<4>(scales[i]), nibble));
    }
    const I32x16 two_bits = splat_i32(0x03030303);
    for (int part = 0; part < 4; ++part) {
      I32x16 q[4];
      load_row_dwords(rows, 16 + 16 * part, q);
      uint8_t(*out)[64] = panel.weights + 32 * (part / 2) + 4 * (part % 2);
      for (int i = 0; i < 4; ++i) {
        store_i32(out[i], bit_and(q[i], two_bits));
        store_i32(out[8 + i], bit_and(shift_right<2>(q[i]), two_bits));
        store_i32(out[16 + i], bit_and(shift_right<4>(q[i]), two_bits));
        store_i32(out[24 + i], bit_and(shift_right<6>(q[i]), two_bits));
      }
    }
  }
};
