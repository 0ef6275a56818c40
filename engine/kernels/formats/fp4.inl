// MXFP4 and NVFP4: four-bit floats, which are integers when doubled, with scales of eight bits.
#pragma once

#include "engine/kernels/formats/iq4.inl"

struct Mxfp4 {
  using Block = BlockMxfp4;
  static constexpr int values = 32;
  using Shape = SignedBy32;

  static void unpack(RowBlocks& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    const I32x16 levels = signed_levels(e2m1_doubled);
    for (int sub = 0; sub < count; ++sub) {
      const int64_t offset = sub * static_cast<int64_t>(sizeof(Block));
      for (int row = 0; row < 16; ++row)
        panel.scales[sub][row] = e8m0_half(rows.first[row * rows.stride + offset]);
      unpack_levels(rows, offset + 1, sub, levels, panel);
    }
    clear_sub_blocks<Shape>(panel, count);
  }
};

struct Nvfp4 {
  using Block = BlockNvfp4;
  static constexpr int values = 64;
  using Shape = SignedBy16;

  static void unpack(RowBlocks& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    const I32x16 levels = signed_levels(e2m1_doubled);
    const I32x16 nibble = splat_i32(0x0f0f0f0f);
    for (int block = 0; block < count / 4; ++block) {
      const int64_t offset = block * static_cast<int64_t>(sizeof(Block));
      I32x16 q[2][4], codes[4];
      load_row_dwords(rows, offset, codes);
      store_scales(codes[0], 4 * block, panel);
      load_row_dwords(rows, offset + 4, q[0]);
      load_row_dwords(rows, offset + 20, q[1]);
      for (int i = 0; i < 8; ++i) {
        // Two dwords to a group: its first 8 values are their low nibbles.
        uint8_t(*out)[64] = panel.weights + 16 * block + i / 2 * 4 + i % 2;
        const I32x16 pair = q[i / 4][i % 4];
        store_i32(out[0], look_up(levels, bit_and(pair, nibble)));
        store_i32(out[2], look_up(levels, bit_and(shift_right<4>(pair), nibble)));
      }
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
