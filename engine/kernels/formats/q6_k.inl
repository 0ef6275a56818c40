// Q6_K: sixteen sub-blocks of 16 signed 6-bit values with 8-bit scales.
#pragma once

#include "engine/kernels/ops/panel.inl"

struct Q6K {
  using Block = BlockQ6K;
  static constexpr int values = 256;
  using Shape = SignedBy16;
  static constexpr int weight_max = 32;

  template <class Rows>
  static void unpack(Rows& rows, int64_t /*values_left*/, Panel& panel) {
    unpack_scales(rows, panel);
    for (int half = 0; half < 2; ++half) {
      for (int part = 0; part < 2; ++part) {
        I32x16 a[4], b[4], high[4];
        load_row_dwords(rows, 64 * half + 16 * part, a);
        load_row_dwords(rows, 64 * half + 32 + 16 * part, b);
        load_row_dwords(rows, 128 + 32 * half + 16 * part, high);
        uint8_t(*out)[64] = panel.weights + 32 * half + 4 * part;
        for (int i = 0; i < 4; ++i) {
          store_i32(out[i], join(a[i], shift_left<4>(high[i])));
          store_i32(out[8 + i], join(b[i], shift_left<2>(high[i])));
          store_i32(out[16 + i], join(shift_right<4>(a[i]), high[i]));
          store_i32(out[24 + i], join(shift_right<4>(b[i]), shift_right<2>(high[i])));
        }
      }
    }
  }

 private:
  // Low nibbles, and two bits that already stand at bits 4 and 5; the value is that less 32.
  static I32x16 join(I32x16 low, I32x16 high) {
    const I32x16 q =
        bit_or(bit_and(low, splat_i32(0x0f0f0f0f)), bit_and(high, splat_i32(0x30303030)));
    return add_bytes(q, signed_offset(32));
  }
  template <class Rows>
  static void unpack_scales(Rows& rows, Panel& panel) {
    const F32x16 d = load_row_halves(rows, 208);
    I32x16 scales[4];
    load_row_dwords(rows, 192, scales);
    for (int i = 0; i < 4; ++i) store_scales_signed(panel, 4 * i, d, scales[i]);
  }
};
