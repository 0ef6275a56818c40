// Q5_0 and Q5_1: Q4_0 and Q4_1 with a fifth bit per value, 32 of them in a dword of their own.
#pragma once

#include "engine/kernels/ops/panel.inl"

// One block: the dword of fifth bits at `offset`, the nibbles behind it. `less` is added to each
// byte.
template <class Rows>
inline void unpack_q5(Rows& rows, int64_t offset, int sub, I32x16 less, Panel& panel) {
  I32x16 high[4], q[4];
  load_row_dwords(rows, offset, high);
  load_row_dwords(rows, offset + 4, q);
  const I32x16 nibble = splat_i32(0x0f0f0f0f);
  const I32x16 bits = high[0];
  for (int i = 0; i < 4; ++i) {
    const I32x16 first = shift_left<4>(spread_bits(shift_right_by(bits, 4 * i)));
    const I32x16 second = shift_left<4>(spread_bits(shift_right_by(bits, 16 + 4 * i)));
    store_i32(panel.weights[sub * 8 + i], add_bytes(bit_or(bit_and(q[i], nibble), first), less));
    store_i32(panel.weights[sub * 8 + 4 + i],
              add_bytes(bit_or(bit_and(shift_right<4>(q[i]), nibble), second), less));
  }
}

struct Q5_0 {
  using Block = BlockQ5_0;
  static constexpr int values = 32;
  using Shape = SignedBy32;
  static constexpr int weight_max = 16;

  template <class Rows>
  static void unpack(Rows& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    for (int sub = 0; sub < count; ++sub) {
      store(panel.scales[sub], load_row_halves(rows, 0));
      unpack_q5(rows, 2, sub, signed_offset(16), panel);
      next_block(rows);
    }
    clear_sub_blocks<Shape>(panel, count);
  }
};

struct Q5_1 {
  using Block = BlockQ5_1;
  static constexpr int values = 32;
  using Shape = PanelShape<32, false, Mins::floats>;
  static constexpr int weight_max = 31;

  template <class Rows>
  static void unpack(Rows& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    for (int sub = 0; sub < count; ++sub) {
      store(panel.scales[sub], load_row_halves(rows, 0));
      store(panel.mins[sub], load_row_halves(rows, 2));
      unpack_q5(rows, 4, sub, zero_i32(), panel);
      next_block(rows);
    }
    clear_sub_blocks<Shape>(panel, count);
  }
};
