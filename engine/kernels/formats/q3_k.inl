// Q3_K: sixteen sub-blocks of 16 signed 3-bit values with 6-bit scales. The third bits lie apart:
// bit s of hmask[l] belongs to element l of the s-th 32.
#pragma once

#include "engine/kernels/ops/panel.inl"

struct Q3K {
  using Block = BlockQ3K;
  static constexpr int values = 256;
  using Shape = SignedBy16;
  static constexpr int weight_max = 4;

  template <class Rows>
  static void unpack(Rows& rows, int64_t /*values_left*/, Panel& panel) {
    unpack_scales(rows, panel);
    const I32x16 two_bits = splat_i32(0x03030303);
    const I32x16 one = splat_i32(0x01010101);
    const I32x16 offset = signed_offset(4);
    for (int part = 0; part < 2; ++part) {
      I32x16 high[4];
      load_row_dwords(rows, 16 * part, high);
      for (int half = 0; half < 2; ++half) {
        I32x16 q[4];
        load_row_dwords(rows, 32 + 32 * half + 16 * part, q);
        uint8_t(*out)[64] = panel.weights + 32 * half + 4 * part;
        for (int plane = 0; plane < 4; ++plane) {
          for (int i = 0; i < 4; ++i) {
            const I32x16 low = bit_and(shift_right_by(q[i], 2 * plane), two_bits);
            const I32x16 bit = bit_and(shift_right_by(high[i], 4 * half + plane), one);
            store_i32(out[8 * plane + i], add_bytes(bit_or(low, shift_left<2>(bit)), offset));
          }
        }
      }
    }
  }

 private:
  template <class Rows>
  static void unpack_scales(Rows& rows, Panel& panel) {
    const F32x16 d = load_row_halves(rows, 108);
    I32x16 packed[4];  // the twelve bytes are the last three dwords
    load_row_dwords(rows, 92, packed);
    const I32x16 nibble = splat_i32(0x0f0f0f0f);
    const I32x16 less = splat_i32(0x01010101u * static_cast<uint8_t>(-32));
    for (int i = 0; i < 4; ++i) {
      const I32x16 low = bit_and(shift_right_by(packed[1 + i % 2], i / 2 * 4), nibble);
      const I32x16 pair = bit_and(shift_right_by(packed[3], 2 * i), splat_i32(0x03030303));
      store_scales_signed(panel, 4 * i, d, add_bytes(bit_or(low, shift_left<4>(pair)), less));
    }
  }
};
