// The IQ1, IQ2 and IQ3 types, whose codes are indices into lists of points (tensor/codebooks.h).
// One unpacker for all: a type says what lies where (iq1.inl, iq2.inl, iq3.inl).
#pragma once

#include "engine/kernels/ops/panel.inl"

// The codes of the 32 values of a sub-block, lanes = rows.
struct PointCodes {
  I32x16 index[8];  // entries of the book: four of 8 values or eight of 4
  I32x16 signs[4];  // of each 8 values, in the low bits: a sign each or, for IQ1, that of delta
};

// Points of magnitudes above zero; a set bit of `signs` (the low four count) turns one around.
inline I32x16 signed_points(I32x16 points, I32x16 signs) {
  const I32x16 ones = spread_bits(signs);
  const I32x16 all = sub_i32(shift_left<8>(ones), ones);
  return add_bytes(add_bytes(bit_xor(points, all), ones), signed_offset(0));
}

// Books of 8 values per entry.
struct PointsOf8 {
  static void store_points(const uint64_t* book, const PointCodes& codes, uint8_t (*out)[64]) {
    for (int i = 0; i < 4; ++i) {
      const I32x16 at = shift_left<1>(codes.index[i]);
      const I32x16 signs = codes.signs[i];
      store_i32(out[2 * i], signed_points(gather(book, at), signs));
      store_i32(out[2 * i + 1],
                signed_points(gather(book, add_i32(at, splat_i32(1))), shift_right<4>(signs)));
    }
  }
};

// Books of 4 values per entry.
struct PointsOf4 {
  static void store_points(const uint32_t* book, const PointCodes& codes, uint8_t (*out)[64]) {
    for (int i = 0; i < 8; ++i) {
      store_i32(out[i], signed_points(gather(book, codes.index[i]),
                                      shift_right_by(codes.signs[i / 2], i % 2 * 4)));
    }
  }
};

// Books of 8 values -1, 0, 1 with a delta of an eighth to either side: all times eight.
struct PointsWithDelta {
  static void store_points(const uint64_t* book, const PointCodes& codes, uint8_t (*out)[64]) {
    for (int i = 0; i < 4; ++i) {
      const I32x16 at = shift_left<1>(codes.index[i]);
      const I32x16 minus = sub_i32(zero_i32(), bit_and(codes.signs[i], splat_i32(1)));
      const I32x16 delta = add_bytes(bit_or(minus, splat_i32(0x01010101)), signed_offset(0));
      store_i32(out[2 * i], add_bytes(times_8(gather(book, at)), delta));
      store_i32(out[2 * i + 1], add_bytes(times_8(gather(book, add_i32(at, splat_i32(1)))), delta));
    }
  }

 private:
  static I32x16 times_8(I32x16 bytes) {
    return bit_and(shift_left<3>(bytes), splat_i32(0xf8f8f8f8));
  }
};

// `Type` reads the block's words and stores the panel's scales when it is made, and then gives the
// codes of each sub-block.
template <class Type>
struct CodebookFormat {
  using Block = typename Type::Block;
  using Shape = typename Type::Shape;
  static constexpr int weight_max = Type::weight_max;
  static constexpr int values = 256;

  template <class Rows>
  static void unpack(Rows& rows, int64_t /*values_left*/, Panel& panel) {
    const Type type(rows, panel);
    for (int sub = 0; sub < 8; ++sub) {
      PointCodes codes;
      type.read_codes(sub, codes);
      Type::Points::store_points(Type::book(), codes, panel.weights + 8 * sub);
    }
  }
};

// The eight signs of a code of seven bits (the low ones; more may stand above): an even number of
// minuses.
inline I32x16 even_signs(I32x16 a) {
  const I32x16 code = bit_and(a, splat_i32(127));
  const I32x16 halves = bit_xor(code, shift_right<4>(code));
  const I32x16 quarters = bit_xor(halves, shift_right<2>(halves));
  const I32x16 parity = bit_and(bit_xor(quarters, shift_right<1>(quarters)), splat_i32(1));
  return bit_or(code, shift_left<7>(parity));
}

// d * (2 s + 1), exact: eleven bits times five.
inline F32x16 odd_scale(F32x16 d, I32x16 s) {
  return mul(d, to_float(add_i32(shift_left<1>(s), splat_i32(1))));
}

inline I32x16 byte_of(I32x16 a, int index) {
  return bit_and(shift_right_by(a, 8 * index), splat_i32(255));
}
