// IQ2_XXS, IQ2_XS and IQ2_S: points of eight magnitudes 8, 25, 43. y = d / 8 * (2 s + 1) * point.
#pragma once

#include "engine/kernels/formats/codebook.inl"

template <class Rows>
inline F32x16 iq2_scale(const Rows& rows) {
  return mul(load_row_halves(rows, 0), splat(0.125f));
}

// Sixteen scales, a nibble each.
inline void store_nibble_scales(Panel& panel, F32x16 d, I32x16 low, I32x16 high) {
  for (int i = 0; i < 8; ++i) {
    store(panel.scales[i], odd_scale(d, nibble_of(low, i)));
    store(panel.scales[8 + i], odd_scale(d, nibble_of(high, i)));
  }
}

struct Iq2Xxs {
  using Block = BlockIq2Xxs;
  using Shape = SignedBy32;
  static constexpr int weight_max = 43;
  using Points = PointsOf8;
  static const uint64_t* book() { return iq2_xxs_codebook.entries; }

  I32x16 words[4][4];  // of two sub-blocks each: indices, signs and scale

  template <class Rows>
  Iq2Xxs(Rows& rows, Panel& panel) {
    const F32x16 d = iq2_scale(rows);
    for (int i = 0; i < 4; ++i) {
      load_row_dwords(rows, 2 + 16 * i, words[i]);
      store(panel.scales[2 * i], odd_scale(d, shift_right<28>(words[i][1])));
      store(panel.scales[2 * i + 1], odd_scale(d, shift_right<28>(words[i][3])));
    }
  }
  void read_codes(int sub, PointCodes& codes) const {
    const I32x16* pair = words[sub / 2] + sub % 2 * 2;
    for (int i = 0; i < 4; ++i) {
      codes.index[i] = byte_of(pair[0], i);
      codes.signs[i] = even_signs(shift_right_by(pair[1], 7 * i));
    }
  }
};

struct Iq2Xs {
  using Block = BlockIq2Xs;
  using Shape = SignedBy16;
  static constexpr int weight_max = 43;
  using Points = PointsOf8;
  static const uint64_t* book() { return iq2_xs_codebook.entries; }

  I32x16 words[4][4];  // index and signs of two points each

  template <class Rows>
  Iq2Xs(Rows& rows, Panel& panel) {
    for (int i = 0; i < 4; ++i) load_row_dwords(rows, 2 + 16 * i, words[i]);
    I32x16 scales[4];
    load_row_dwords(rows, 58, scales);
    store_nibble_scales(panel, iq2_scale(rows), scales[2], scales[3]);
  }
  void read_codes(int sub, PointCodes& codes) const {
    const I32x16* pair = words[sub / 2] + sub % 2 * 2;
    for (int i = 0; i < 4; ++i) {
      const I32x16 code = shift_right_by(pair[i / 2], i % 2 * 16);
      codes.index[i] = bit_and(code, splat_i32(511));
      codes.signs[i] = even_signs(shift_right<9>(code));
    }
  }
};

struct Iq2S {
  using Block = BlockIq2S;
  using Shape = SignedBy16;
  static constexpr int weight_max = 43;
  using Points = PointsOf8;
  static const uint64_t* book() { return iq2_s_codebook.entries; }

  I32x16 index[2][4], signs[2][4];  // a dword per sub-block
  I32x16 high[4];                   // bits 8 and 9 of the indices in the first two

  template <class Rows>
  Iq2S(Rows& rows, Panel& panel) {
    for (int i = 0; i < 2; ++i) {
      load_row_dwords(rows, 2 + 16 * i, index[i]);
      load_row_dwords(rows, 34 + 16 * i, signs[i]);
    }
    load_row_dwords(rows, 66, high);
    store_nibble_scales(panel, iq2_scale(rows), high[2], high[3]);
  }
  void read_codes(int sub, PointCodes& codes) const {
    const I32x16 top = byte_of(high[sub / 4], sub % 4);
    for (int i = 0; i < 4; ++i) {
      const I32x16 bits = bit_and(shift_right_by(top, 2 * i), splat_i32(3));
      codes.index[i] = bit_or(byte_of(index[sub / 4][sub % 4], i), shift_left<8>(bits));
      codes.signs[i] = shift_right_by(signs[sub / 4][sub % 4], 8 * i);
    }
  }
};
