// IQ1_S and IQ1_M: points of eight -1, 0, 1, all moved by a delta of an eighth to one side.
// y = d / 8 * (2 s + 1) * (8 point + 8 delta), so that the weights are integers.
#pragma once

#include "engine/kernels/formats/codebook.inl"

struct Iq1S {
  using Block = BlockIq1S;
  using Shape = SignedBy32;
  static constexpr int weight_max = 9;
  using Points = PointsWithDelta;
  static const uint64_t* book() { return iq1_codebook.entries; }

  I32x16 index[2][4];  // a dword per sub-block
  I32x16 high[4];      // 16 bits per sub-block: bits 8 to 10 of the indices, scale, delta

  template <class Rows>
  Iq1S(Rows& rows, Panel& panel) {
    const F32x16 d = mul(load_row_halves(rows, 0), splat(0.125f));
    for (int i = 0; i < 2; ++i) load_row_dwords(rows, 2 + 16 * i, index[i]);
    load_row_dwords(rows, 34, high);
    for (int sub = 0; sub < 8; ++sub) {
      const I32x16 scale = bit_and(shift_right<12>(high_of(sub)), splat_i32(7));
      store(panel.scales[sub], odd_scale(d, scale));
    }
  }
  void read_codes(int sub, PointCodes& codes) const {
    const I32x16 word = high_of(sub);
    for (int i = 0; i < 4; ++i) {
      const I32x16 bits = bit_and(shift_right_by(word, 3 * i), splat_i32(7));
      codes.index[i] = bit_or(byte_of(index[sub / 4][sub % 4], i), shift_left<8>(bits));
      codes.signs[i] = shift_right<15>(word);
    }
  }

 private:
  I32x16 high_of(int sub) const { return shift_right_by(high[sub / 2], sub % 2 * 16); }
};

struct Iq1M {
  using Block = BlockIq1M;
  using Shape = SignedBy16;
  static constexpr int weight_max = 9;
  using Points = PointsWithDelta;
  static const uint64_t* book() { return iq1_codebook.entries; }

  I32x16 index[2][4];  // a dword per sub-block
  I32x16 high[4];      // a nibble per point: bits 8 to 10 of its index, delta

  template <class Rows>
  Iq1M(Rows& rows, Panel& panel) {
    for (int i = 0; i < 2; ++i) load_row_dwords(rows, 16 * i, index[i]);
    load_row_dwords(rows, 32, high);
    I32x16 words[4];  // the four words of scales are the last two dwords
    load_row_dwords(rows, 40, words);
    const F32x16 d = mul(halves_to_float(shared_scale(words[2], words[3])), splat(0.125f));
    for (int i = 0; i < 16; ++i) {
      const I32x16 word = words[2 + i / 8];
      const I32x16 scale = shift_right_by(word, i / 4 % 2 * 16 + 3 * (i % 4));
      store(panel.scales[i], odd_scale(d, bit_and(scale, splat_i32(7))));
    }
  }
  void read_codes(int sub, PointCodes& codes) const {
    for (int i = 0; i < 4; ++i) {
      const I32x16 nibble = nibble_of(high[sub / 2], sub % 2 * 4 + i);
      const I32x16 bits = bit_and(nibble, splat_i32(7));
      codes.index[i] = bit_or(byte_of(index[sub / 4][sub % 4], i), shift_left<8>(bits));
      codes.signs[i] = shift_right<3>(nibble);
    }
  }

 private:
  // iq1_m_scale: the top nibbles of the words, the first one lowest.
  static I32x16 shared_scale(I32x16 first, I32x16 second) {
    const I32x16 low = bit_or(bit_and(shift_right<12>(first), splat_i32(0x000f)),
                              bit_and(shift_right<24>(first), splat_i32(0x00f0)));
    const I32x16 high = bit_or(bit_and(shift_right<4>(second), splat_i32(0x0f00)),
                               bit_and(shift_right<16>(second), splat_i32(0xf000)));
    return bit_or(low, high);
  }
};
