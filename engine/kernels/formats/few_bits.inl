// TQ1_0, TQ2_0, Q2_0 and Q1_0: weights of one or two bits, or digits of base 3, with one scale for
// 64 values or more.
#pragma once

#include "engine/kernels/ops/panel.inl"

// scales[begin .. end - 1] = d.
inline void store_one_scale(Panel& panel, int begin, int end, F32x16 d) {
  for (int sub = begin; sub < end; ++sub) store(panel.scales[sub], d);
}

// Four digits of base 3 per dword, one per byte, taken from the top. Even and odd bytes are
// multiplied apart, in 16 bits.
struct Trits {
  I32x16 even, odd;

  explicit Trits(I32x16 bytes)
      : even(bit_and(bytes, splat_i32(low_bytes))),
        odd(bit_and(shift_right<8>(bytes), splat_i32(low_bytes))) {}
  I32x16 next() {
    const I32x16 low = splat_i32(low_bytes);
    const I32x16 a = add_i32(even, add_i32(even, even));
    const I32x16 b = add_i32(odd, add_i32(odd, odd));
    even = bit_and(a, low);
    odd = bit_and(b, low);
    return bit_or(bit_and(shift_right<8>(a), low), bit_and(b, splat_i32(0xff00ff00)));
  }

 private:
  static constexpr uint32_t low_bytes = 0x00ff00ff;
};

struct Tq1_0 {
  using Block = BlockTq1_0;
  static constexpr int values = 256;
  using Shape = SignedBy32;
  static constexpr int weight_max = 1;

  template <class Rows>
  static void unpack(Rows& rows, int64_t /*values_left*/, Panel& panel) {
    store_one_scale(panel, 0, 8, load_row_halves(rows, 52));
    for (int part = 0; part < 2; ++part) unpack_digits(rows, 16 * part, 4 * part, 8, panel);
    unpack_digits(rows, 32, 40, 4, panel);
    I32x16 last[4];  // qh is the last of these dwords
    load_row_dwords(rows, 36, last);
    Trits trits(last[3]);
    for (int digit = 0; digit < 4; ++digit)
      store_i32(panel.weights[60 + digit], add_bytes(trits.next(), signed_offset(1)));
  }

 private:
  // 16 bytes at `offset`: digit n is at dwords first + n * step.
  template <class Rows>
  static void unpack_digits(Rows& rows, int64_t offset, int first, int step, Panel& panel) {
    I32x16 q[4];
    load_row_dwords(rows, offset, q);
    for (int i = 0; i < 4; ++i) {
      Trits trits(q[i]);
      for (int digit = 0; digit < 5; ++digit) {
        store_i32(panel.weights[first + digit * step + i],
                  add_bytes(trits.next(), signed_offset(1)));
      }
    }
  }
};

struct Tq2_0 {
  using Block = BlockTq2_0;
  static constexpr int values = 256;
  using Shape = SignedBy32;
  static constexpr int weight_max = 2;

  template <class Rows>
  static void unpack(Rows& rows, int64_t /*values_left*/, Panel& panel) {
    store_one_scale(panel, 0, 8, load_row_halves(rows, 64));
    const I32x16 two_bits = splat_i32(0x03030303);
    for (int part = 0; part < 4; ++part) {
      I32x16 q[4];
      load_row_dwords(rows, 16 * part, q);
      uint8_t(*out)[64] = panel.weights + 32 * (part / 2) + 4 * (part % 2);
      for (int plane = 0; plane < 4; ++plane) {
        for (int i = 0; i < 4; ++i) {
          store_i32(
              out[8 * plane + i],
              add_bytes(bit_and(shift_right_by(q[i], 2 * plane), two_bits), signed_offset(1)));
        }
      }
    }
  }
};

struct Q2_0 {
  using Block = BlockQ2_0;
  static constexpr int values = 64;
  using Shape = SignedBy32;
  static constexpr int weight_max = 2;

  template <class Rows>
  static void unpack(Rows& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    for (int block = 0; block < count / 2; ++block) {
      store_one_scale(panel, 2 * block, 2 * block + 2, load_row_halves(rows, 0));
      I32x16 q[4];
      load_row_dwords(rows, 2, q);
      for (int i = 0; i < 16; ++i)
        store_i32(panel.weights[16 * block + i], four_values(shift_right_by(q[i / 4], i % 4 * 8)));
      next_block(rows);
    }
    clear_sub_blocks<Shape>(panel, count);
  }

 private:
  // The pairs of bits in the low byte of each lane.
  static I32x16 four_values(I32x16 a) {
    const I32x16 pairs = bit_or(bit_and(a, splat_i32(0x0000000f)),
                                shift_left<12>(bit_and(a, splat_i32(0x000000f0))));
    const I32x16 apart = bit_or(pairs, shift_left<6>(pairs));
    return add_bytes(bit_and(apart, splat_i32(0x03030303)), signed_offset(1));
  }
};

struct Q1_0 {
  using Block = BlockQ1_0;
  static constexpr int values = 128;
  using Shape = SignedBy32;
  static constexpr int weight_max = 1;

  template <class Rows>
  static void unpack(Rows& rows, int64_t values_left, Panel& panel) {
    const int count = sub_block_count<Shape>(values_left);
    for (int block = 0; block < count / 4; ++block) {
      store_one_scale(panel, 4 * block, 4 * block + 4, load_row_halves(rows, 0));
      I32x16 q[4];
      load_row_dwords(rows, 2, q);
      for (int i = 0; i < 32; ++i) {
        const I32x16 ones = spread_bits(shift_right_by(q[i / 8], i % 8 * 4));
        store_i32(panel.weights[32 * block + i], add_bytes(shift_left<1>(ones), signed_offset(1)));
      }
      next_block(rows);
    }
    clear_sub_blocks<Shape>(panel, count);
  }
};
