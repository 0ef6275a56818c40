// A panel of bytes with scales per sub-block (ops/panel.inl) -> what the tile unit multiplies:
// bytes with one scale per row, or bf16 (docs/numerics.md, "Prompt role on tiles").
#pragma once

#include "engine/kernels/ops/panel.inl"

// The bias that the bytes of a shape carry.
template <class Shape>
constexpr int byte_bias = Shape::is_signed ? signed_bias : 0;

struct ByteRange {
  F32x16 least, largest;
};

// Smallest and largest weight of a sub-block, bias taken off.
template <class Shape>
inline ByteRange weight_range(const Panel& panel, int sub) {
  constexpr int dwords = Shape::sub_values / 4;
  __m512i least = _mm512_loadu_si512(panel.weights[sub * dwords]);
  __m512i largest = least;
  for (int i = 1; i < dwords; ++i) {
    const __m512i w = _mm512_loadu_si512(panel.weights[sub * dwords + i]);
    least = _mm512_min_epu8(least, w);
    largest = _mm512_max_epu8(largest, w);
  }
  least = _mm512_min_epu8(least, _mm512_srli_epi32(least, 16));
  least = _mm512_min_epu8(least, _mm512_srli_epi32(least, 8));
  largest = _mm512_max_epu8(largest, _mm512_srli_epi32(largest, 16));
  largest = _mm512_max_epu8(largest, _mm512_srli_epi32(largest, 8));
  const I32x16 byte = splat_i32(0xff);
  const I32x16 bias = splat_i32(byte_bias<Shape>);
  return {to_float(sub_i32(bit_and({least}, byte), bias)),
          to_float(sub_i32(bit_and({largest}, byte), bias))};
}

// The number in both halves of each lane's dword.
inline I32x16 double_words(I32x16 a) {
  return bit_or(bit_and(a, splat_i32(0xffff)), shift_left<16>(a));
}

// The high bytes of words * factor + offset for the bytes of each dword.
inline I32x16 fold_bytes(I32x16 weights, __m512i factor, __m512i offset) {
  const __m512i low_bytes = _mm512_set1_epi16(0xff);
  const __m512i even =
      _mm512_add_epi16(_mm512_mullo_epi16(_mm512_and_si512(weights.v, low_bytes), factor), offset);
  const __m512i odd =
      _mm512_add_epi16(_mm512_mullo_epi16(_mm512_srli_epi16(weights.v, 8), factor), offset);
  // Bits of `even` where the mask is set, of `odd` elsewhere.
  return {_mm512_ternarylogic_epi32(low_bytes, _mm512_srli_epi16(even, 8), odd, 0xca)};
}

// Largest size of any weight that the panel's rows hold, per row.
template <class Shape>
inline F32x16 largest_weight(const Panel& panel) {
  F32x16 largest = zero_f32();
  for (int sub = 0; sub < 256 / Shape::sub_values; ++sub) {
    const F32x16 scale = load(panel.scales[sub]);
    const F32x16 offset = sub_block_offset<Shape>(panel, sub);
    const ByteRange range = weight_range<Shape>(panel, sub);
    largest = max(abs(fma(scale, range.least, offset)), largest);
    largest = max(abs(fma(scale, range.largest, offset)), largest);
  }
  return largest;
}

// bytes[4][1024]: weights of the panel times `factor` / 256 as signed bytes in tiles.
template <class Shape>
inline void fold_panel(const Panel& panel, F32x16 factor, uint8_t* bytes) {
  constexpr int dwords = Shape::sub_values / 4;
  for (int sub = 0; sub < 256 / Shape::sub_values; ++sub) {
    const I32x16 step = to_int(mul(load(panel.scales[sub]), factor));
    // Half a unit of the high byte rounds to nearest.
    I32x16 start =
        add_i32(to_int(mul(sub_block_offset<Shape>(panel, sub), factor)), splat_i32(128));
    if constexpr (byte_bias<Shape> != 0) start = sub_i32(start, shift_left<7>(step));
    const __m512i steps = double_words(step).v;
    const __m512i starts = double_words(start).v;
    for (int i = sub * dwords; i < (sub + 1) * dwords; ++i)
      store_i32(bytes + 64 * i, fold_bytes(load_i32(panel.weights[i]), steps, starts));
  }
}

// Two panels side by side, of which a short row may lack the second: bytes[8][1024], scales[row].
template <class Shape>
inline void fold_panels(const Panel (&panels)[2], int count, uint8_t* bytes, float* scales) {
  F32x16 largest = largest_weight<Shape>(panels[0]);
  if (count > 1) largest = max(largest_weight<Shape>(panels[1]), largest);
  // So small a block counts as zero.
  const F32x16 limit = splat(0x1p-100f);
  const F32x16 factor =
      select_less(largest, limit, zero_f32(), div(splat(127.0f * 256.0f), largest));
  store(scales, select_less(largest, limit, zero_f32(), div(largest, splat(127.0f))));
  for (int i = 0; i < count; ++i)
    fold_panel<Shape>(panels[i], factor, bytes + i * sizeof(panels[i].weights));
}

template <int index>
inline F32x16 byte_to_float(I32x16 dwords) {
  return to_float(unsigned_byte<index>(dwords));
}

// bfloats[8][1024]: weights of the panel in bf16 tiles.
template <class Shape>
inline void fold_panel_to_bfloats(const Panel& panel, uint8_t* bfloats, int64_t stride) {
  constexpr int subs = 256 / Shape::sub_values;
  constexpr int dwords = Shape::sub_values / 4;
  const F32x16 taken_off = splat(static_cast<float>(-byte_bias<Shape>));
  for (int sub = 0; sub < subs; ++sub) {
    const F32x16 scale = load(panel.scales[sub]);
    const F32x16 offset = sub_block_offset<Shape>(panel, sub);
    for (int i = sub * dwords; i < (sub + 1) * dwords; ++i) {
      const I32x16 w = load_i32(panel.weights[i]);
      const auto value = [&](F32x16 byte) { return fma(scale, add(byte, taken_off), offset); };
      uint8_t* out = bfloats + i / 8 * stride + i % 8 * 128;
      store_i32(out, pair_bfloats(value(byte_to_float<0>(w)), value(byte_to_float<1>(w))));
      store_i32(out + 64, pair_bfloats(value(byte_to_float<2>(w)), value(byte_to_float<3>(w))));
    }
  }
}
