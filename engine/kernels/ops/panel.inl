// A panel: 16 weight rows x 256 values, unpacked to bytes in the order the dot products read. Lanes
// are rows, so one code serves every format, and a new format needs only its unpacker
// (formats/*.inl).
#pragma once

#include "engine/kernels/ops/row_blocks.inl"

// Minimums of a format, which go into a product times the column's sums.
//   none     it has none
//   per_32   integers per 32 values, times one float per row: K formats
//   per_16   the same per 16
//   floats   one float per 32 values
enum class Mins { none, per_32, per_16, floats };

// What the arithmetic has to know of a format. Formats of one shape share its code. Beside its
// shape a format names `weight_max`, the largest magnitude of its unpacked weights (without
// signed_bias).
template <int sub_values_, bool is_signed_, Mins mins_>
struct PanelShape {
  static constexpr int sub_values = sub_values_;  // per scale
  static constexpr bool is_signed = is_signed_;   // of the weights
  static constexpr Mins mins = mins_;
};
using SignedBy32 = PanelShape<32, true, Mins::none>;
using SignedBy16 = PanelShape<16, true, Mins::none>;

struct alignas(64) Panel {
  uint8_t weights[64][64];      // [k / 4][row * 4 + k % 4]; signed formats have signed_bias added
  float scales[16][16];         // [sub-block][row]
  int32_t min_pairs[8][16];     // [pair][row]: integer mins of sub-blocks 2 * pair (low half) and
                                // 2 * pair + 1 (high half)
  float negated_min_scale[16];  // [row]: -dmin
  float mins[8][16];            // [sub-block][row]: float mins
};

// Nibble `index` (0..7) of each dword.
inline I32x16 nibble_of(I32x16 a, int index) {
  return bit_and(shift_right_by(a, 4 * index), splat_i32(15));
}
// The low four bits of each dword as four bytes 0 or 1. What stands above them does not matter.
inline I32x16 spread_bits(I32x16 a) {
  const I32x16 bits = bit_and(a, splat_i32(15));
  const I32x16 low = bit_or(bits, shift_left<7>(bits));
  const I32x16 all = bit_or(low, shift_left<14>(low));
  return bit_and(all, splat_i32(0x01010101));
}
// `value` less `offset` as a byte of a signed panel, four times.
inline I32x16 signed_offset(int offset) {
  return splat_i32(0x01010101u * static_cast<uint8_t>(signed_bias - offset));
}

template <int index>
inline I32x16 unsigned_byte(I32x16 a) {
  return bit_and(shift_right<8 * index>(a), splat_i32(0xff));
}
template <int index>
inline I32x16 signed_byte(I32x16 a) {
  return shift_right_signed<24>(shift_left<24 - 8 * index>(a));
}

// scales[first .. first + 3] = factor * the four bytes of each lane.
[[gnu::always_inline]] inline void store_scales_unsigned(Panel& panel, int first, F32x16 factor,
                                                         I32x16 bytes) {
  store(panel.scales[first], mul(factor, to_float(unsigned_byte<0>(bytes))));
  store(panel.scales[first + 1], mul(factor, to_float(unsigned_byte<1>(bytes))));
  store(panel.scales[first + 2], mul(factor, to_float(unsigned_byte<2>(bytes))));
  store(panel.scales[first + 3], mul(factor, to_float(unsigned_byte<3>(bytes))));
}
[[gnu::always_inline]] inline void store_scales_signed(Panel& panel, int first, F32x16 factor,
                                                       I32x16 bytes) {
  store(panel.scales[first], mul(factor, to_float(signed_byte<0>(bytes))));
  store(panel.scales[first + 1], mul(factor, to_float(signed_byte<1>(bytes))));
  store(panel.scales[first + 2], mul(factor, to_float(signed_byte<2>(bytes))));
  store(panel.scales[first + 3], mul(factor, to_float(signed_byte<3>(bytes))));
}

// Four bytes of mins per lane as two pairs of int16.
inline void store_min_pairs(Panel& panel, int first, I32x16 mins) {
  const I32x16 low = splat_i32(0x000000ff);
  const I32x16 high = splat_i32(0x00ff0000);
  store_i32(panel.min_pairs[first], bit_or(bit_and(mins, low), bit_and(shift_left<8>(mins), high)));
  store_i32(panel.min_pairs[first + 1],
            bit_or(bit_and(shift_right<16>(mins), low), bit_and(shift_right<8>(mins), high)));
}

// The 16 bytes that open BlockQ4K and BlockQ5K: d, dmin, packed scales and mins (tensor/blocks.h).
template <class Rows>
inline void unpack_k_header(Rows& rows, Panel& panel) {
  I32x16 header[4];
  load_row_dwords(rows, 0, header);
  const F32x16 d = halves_to_float(header[0]);
  const F32x16 dmin = halves_to_float(shift_right<16>(header[0]));
  store(panel.negated_min_scale, sub(zero_f32(), dmin));
  const I32x16 low6 = splat_i32(0x3f3f3f3f);
  const I32x16 low4 = splat_i32(0x0f0f0f0f);
  const I32x16 top2 = splat_i32(0x30303030);
  store_scales_unsigned(panel, 0, d, bit_and(header[1], low6));
  store_scales_unsigned(panel, 4, d,
                        bit_or(bit_and(header[3], low4), bit_and(shift_right<2>(header[1]), top2)));
  store_min_pairs(panel, 0, bit_and(header[2], low6));
  store_min_pairs(
      panel, 2,
      bit_or(bit_and(shift_right<4>(header[3]), low4), bit_and(shift_right<2>(header[2]), top2)));
}

// What is added to scale * weight in sub-block `sub`, as lanes of rows.
template <class Shape>
inline F32x16 sub_block_offset(const Panel& panel, int sub) {
  if constexpr (Shape::mins == Mins::floats) {
    return load(panel.mins[sub * Shape::sub_values / 32]);
  } else if constexpr (Shape::mins != Mins::none) {
    const I32x16 pair = load_i32(panel.min_pairs[sub / 2]);
    const I32x16 min = sub % 2 == 0 ? bit_and(pair, splat_i32(0xffff)) : shift_right<16>(pair);
    return mul(load(panel.negated_min_scale), to_float(min));
  } else {
    return zero_f32();
  }
}

// Sub-blocks of a panel that a row with `values_left` values still has.
template <class Shape>
inline int sub_block_count(int64_t values_left) {
  return static_cast<int>(values_left < 256 ? values_left / Shape::sub_values
                                            : 256 / Shape::sub_values);
}

// Sub-blocks from `begin` on, which a short last block lacks.
template <class Shape>
inline void clear_sub_blocks(Panel& panel, int begin) {
  constexpr int dwords = Shape::sub_values / 4;
  for (int sub = begin; sub < 256 / Shape::sub_values; ++sub) {
    store(panel.scales[sub], zero_f32());
    if constexpr (Shape::mins == Mins::floats) store(panel.mins[sub], zero_f32());
    for (int i = 0; i < dwords; ++i) store_i32(panel.weights[sub * dwords + i], zero_i32());
  }
}
