// MXFP4 and NVFP4: four-bit floats, which are integers when doubled, with scales of eight bits.
#pragma once

#include "engine/kernels/formats/iq4.inl"

struct Mxfp4 {
  using Block = BlockMxfp4;
  static constexpr int values = 32;
  using Shape = SignedBy32;
  static constexpr int weight_max = 12;

  template <class Rows>
  static void unpack(Rows& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    const I32x16 levels = signed_levels(e2m1_doubled);
    for (int sub = 0; sub < count; ++sub) {
      store(panel.scales[sub], scale_of(load_row_bytes(rows, 0)));
      unpack_levels(rows, 1, sub, levels, panel);
      next_block(rows);
    }
    clear_sub_blocks<Shape>(panel, count);
  }

 private:
  // e8m0_half of each lane: an exponent, but for the two smallest, which are denormal.
  static F32x16 scale_of(I32x16 e) {
    const F32x16 normal = bits_as_float(shift_left<23>(sub_i32(e, splat_i32(1))));
    const F32x16 denormal = bits_as_float(shift_left<21>(add_i32(e, splat_i32(1))));
    return select_less(to_float(e), splat(2.0f), denormal, normal);
  }
};

struct Nvfp4 {
  using Block = BlockNvfp4;
  static constexpr int values = 64;
  using Shape = SignedBy16;
  static constexpr int weight_max = 12;

  template <class Rows>
  static void unpack(Rows& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    const I32x16 levels = signed_levels(e2m1_doubled);
    const I32x16 nibble = splat_i32(0x0f0f0f0f);
    for (int block = 0; block < count / 4; ++block) {
      I32x16 q[2][4], codes[4];
      load_row_dwords(rows, 0, codes);
      store_scales(codes[0], 4 * block, panel);
      load_row_dwords(rows, 4, q[0]);
      load_row_dwords(rows, 20, q[1]);
      for (int i = 0; i < 8; ++i) {
        // Two dwords to a group: its first 8 values are their low nibbles.
        uint8_t(*out)[64] = panel.weights + 16 * block + i / 2 * 4 + i % 2;
        const I32x16 pair = q[i / 4][i % 4];
        store_i32(out[0], look_up(levels, bit_and(pair, nibble)));
        store_i32(out[2], look_up(levels, bit_and(shift_right<4>(pair), nibble)));
      }
      next_block(rows);
    }
    clear_sub_blocks<Shape>(panel, count);
  }

 private:
  // ue4m3_half of the four bytes of each lane. A code is a half-precision float's upper bits, at
  // 2^-7 of the value; the largest code is no number and counts as zero.
  static void store_scales(I32x16 codes, int first, Panel& panel) {
    for (int i = 0; i < 4; ++i) {
      const I32x16 code = bit_and(shift_right_by(codes, 8 * i), splat_i32(0x7f));
      const F32x16 scale = mul(halves_to_float(shift_left<7>(code)), splat(128.0f));
      store(panel.scales[first + i], select_less(scale, splat(240.0f), scale, zero_f32()));
    }
  }
};
