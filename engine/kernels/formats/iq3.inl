// IQ3_XXS and IQ3_S: points of four magnitudes.
#pragma once

#include "engine/kernels/formats/codebook.inl"

// y = d / 4 * (2 s + 1) * point.
struct Iq3Xxs {
  using Block = BlockIq3Xxs;
  using Shape = SignedBy32;
  static constexpr int weight_max = 62;
  using Points = PointsOf4;
  static const uint32_t* book() { return iq3_xxs_codebook.entries; }

  I32x16 index[4][4];  // two dwords per sub-block
  I32x16 signs[2][4];  // a dword per sub-block, the scale on top

  template <class Rows>
  Iq3Xxs(Rows& rows, Panel& panel) {
    const F32x16 d = mul(load_row_halves(rows, 0), splat(0.25f));
    for (int i = 0; i < 4; ++i) load_row_dwords(rows, 2 + 16 * i, index[i]);
    for (int i = 0; i < 2; ++i) load_row_dwords(rows, 66 + 16 * i, signs[i]);
    for (int sub = 0; sub < 8; ++sub)
      store(panel.scales[sub], odd_scale(d, shift_right<28>(signs[sub / 4][sub % 4])));
  }
  void read_codes(int sub, PointCodes& codes) const {
    const I32x16* pair = index[sub / 2] + sub % 2 * 2;
    for (int i = 0; i < 8; ++i) codes.index[i] = byte_of(pair[i / 4], i % 4);
    for (int i = 0; i < 4; ++i)
      codes.signs[i] = even_signs(shift_right_by(signs[sub / 4][sub % 4], 7 * i));
  }
};

// y = d * (2 s + 1) * point.
struct Iq3S {
  using Block = BlockIq3S;
  using Shape = SignedBy32;
  static constexpr int weight_max = 15;
  using Points = PointsOf4;
  static const uint32_t* book() { return iq3_s_codebook.entries; }

  I32x16 index[4][4];  // two dwords per sub-block
  I32x16 high[4];      // bit 8 of the indices in the first two
  I32x16 signs[2][4];  // a dword per sub-block

  template <class Rows>
  Iq3S(Rows& rows, Panel& panel) {
    const F32x16 d = load_row_halves(rows, 0);
    for (int i = 0; i < 4; ++i) load_row_dwords(rows, 2 + 16 * i, index[i]);
    load_row_dwords(rows, 66, high);
    for (int i = 0; i < 2; ++i) load_row_dwords(rows, 74 + 16 * i, signs[i]);
    I32x16 scales[4];
    load_row_dwords(rows, 94, scales);
    for (int sub = 0; sub < 8; ++sub)
      store(panel.scales[sub], odd_scale(d, nibble_of(scales[3], sub)));
  }
  void read_codes(int sub, PointCodes& codes) const {
    const I32x16* pair = index[sub / 2] + sub % 2 * 2;
    const I32x16 top = byte_of(high[sub / 4], sub % 4);
    for (int i = 0; i < 8; ++i) {
      const I32x16 bit = bit_and(shift_right_by(top, i), splat_i32(1));
      codes.index[i] = bit_or(byte_of(pair[i / 4], i % 4), shift_left<8>(bit));
    }
    for (int i = 0; i < 4; ++i) codes.signs[i] = shift_right_by(signs[sub / 4][sub % 4], 8 * i);
  }
};
