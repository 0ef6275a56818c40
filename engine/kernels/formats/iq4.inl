// IQ4_NL and IQ4_XS: nibbles that choose one of 16 levels.
#pragma once

#include "engine/kernels/ops/panel.inl"

// The levels as bytes of a signed panel, for look_up.
inline I32x16 signed_levels(const int8_t (&levels)[16]) {
  return add_bytes(load_4x16(levels, levels, levels, levels), signed_offset(0));
}

// 16 bytes of nibbles at `offset`: low ones first.
template <class Rows>
inline void unpack_levels(Rows& rows, int64_t offset, int sub, I32x16 levels, Panel& panel) {
  const I32x16 nibble = splat_i32(0x0f0f0f0f);
  I32x16 q[4];
  load_row_dwords(rows, offset, q);
  for (int i = 0; i < 4; ++i) {
    store_i32(panel.weights[sub * 8 + i], look_up(levels, bit_and(q[i], nibble)));
    store_i32(panel.weights[sub * 8 + 4 + i],
              look_up(levels, bit_and(shift_right<4>(q[i]), nibble)));
  }
}

struct Iq4Nl {
  using Block = BlockIq4Nl;
  static constexpr int values = 32;
  using Shape = SignedBy32;
  static constexpr int weight_max = 127;

  template <class Rows>
  static void unpack(Rows& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    const I32x16 levels = signed_levels(iq4_levels);
    for (int sub = 0; sub < count; ++sub) {
      store(panel.scales[sub], load_row_halves(rows, 0));
      unpack_levels(rows, 2, sub, levels, panel);
      next_block(rows);
    }
    clear_sub_blocks<Shape>(panel, count);
  }
};

// Eight sub-blocks with 6-bit scales.
struct Iq4Xs {
  using Block = BlockIq4Xs;
  static constexpr int values = 256;
  using Shape = SignedBy32;
  static constexpr int weight_max = 127;

  template <class Rows>
  static void unpack(Rows& rows, int64_t /*values_left*/, Panel& panel) {
    I32x16 header[4];
    load_row_dwords(rows, 0, header);
    const F32x16 d = halves_to_float(header[0]);
    const I32x16 levels = signed_levels(iq4_levels);
    for (int sub = 0; sub < 8; ++sub) {
      const I32x16 top = bit_and(shift_right_by(header[0], 16 + 2 * sub), splat_i32(3));
      const I32x16 scale = bit_or(nibble_of(header[1], sub), shift_left<4>(top));
      store(panel.scales[sub], mul(d, to_float(sub_i32(scale, splat_i32(32)))));
      unpack_levels(rows, 8 + 16 * sub, sub, levels, panel);
    }
  }
};
