// Panels times int8 columns where the processor has no dot product of bytes, bit for bit as
// ops/linear_blocks.inl does it. An instruction makes sums of two products of 16 bits; as many of
// them as fit stay in 16 bits before they are added up in 32, exactly. That leaves two instructions
// of three, and one multiplication of two.
#pragma once

#include "engine/kernels/ops/linear_blocks.inl"

// Signed weights are multiplied by magnitude, which takes an instruction per column. From so many
// columns on it is quicker to make them positive first, by a bias that the sums are rid of again.
constexpr int64_t biased_columns_min = 4;

// Dwords of weights whose sums fit 16 bits: each adds two products, of values of at most 127.
constexpr int dwords_in_words(int weight_max, int dwords) {
  int fit = 1;
  while (2 * fit <= dwords && 2 * fit * 2 * 127 * weight_max <= 32767) fit *= 2;
  return fit;
}

// The smallest power of two that is not below.
constexpr int bias_of(int weight_max) {
  int bias = 1;
  while (bias < weight_max) bias *= 2;
  return bias;
}

inline void add_bias(Panel& panel, int bias) {
  const I32x16 bytes = splat_i32(0x01010101u * static_cast<uint32_t>(bias));
  for (uint8_t(&dword)[64] : panel.weights) store_i32(dword, add_bytes(load_i32(dword), bytes));
}

template <bool by_magnitude>
inline __m256i word_products(__m256i weights, __m256i x) {
  if constexpr (by_magnitude) {
    return _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(x, weights));
  } else {
    return _mm256_maddubs_epi16(weights, x);
  }
}

inline __m256i add_word_pairs(__m256i sums, __m256i words) {
  return _mm256_add_epi32(sums, _mm256_madd_epi16(words, _mm256_set1_epi16(1)));
}

// `run` dwords at a time stay in words. Signed weights without a bias go by magnitude.
template <class Shape_, int run, int bias_>
struct WordDots {
  using Shape = Shape_;
  static constexpr int bias = bias_;

  template <int panels, int columns>
  [[gnu::always_inline]] static void add(const Panel* panel,
                                         const Q8Block* const (&column)[columns], int sub,
                                         I32x16 (&dots)[panels][columns]) {
    constexpr bool by_magnitude = Shape::is_signed && bias == 0;
    constexpr int dwords = Shape::sub_values / 4;
    static_assert(panels == 1 && dwords % run == 0);
#pragma GCC unroll 4
    for (int first = 0; first < dwords; first += run) {
      I32x16 words[columns];
      for (int c = 0; c < columns; ++c) words[c] = zero_i32();
#pragma GCC unroll 8
      for (int i = first; i < first + run; ++i) {
        const I32x16 weights = load_i32(panel->weights[sub * dwords + i]);
        for (int c = 0; c < columns; ++c) {
          const I32x16 x = splat_dword(column[c]->q + sub * Shape::sub_values + 4 * i);
          for (int half = 0; half < 2; ++half)
            words[c].v[half] = in_order(_mm256_add_epi16(
                words[c].v[half], word_products<by_magnitude>(weights.v[half], x.v[half])));
        }
      }
      for (int c = 0; c < columns; ++c) {
        for (int half = 0; half < 2; ++half)
          dots[0][c].v[half] = add_word_pairs(dots[0][c].v[half], words[c].v[half]);
      }
    }
  }
};

// As VectorProducts.
struct WordProducts {
  template <class Format, int panels>
  static void multiply(const uint8_t* columns, int64_t stride, int64_t count,
                       LinearScratch& scratch) {
    using Shape = typename Format::Shape;
    constexpr int dwords = Shape::sub_values / 4;
    if constexpr (Shape::is_signed) {
      constexpr int bias = bias_of(Format::weight_max);
      constexpr int run = dwords_in_words(Format::weight_max + bias, dwords);
      if constexpr (run > 1) {
        if (count >= biased_columns_min) {
          add_bias(scratch.panels[0], bias);
          return multiply_columns<WordDots<Shape, run, bias>, panels>(
              scratch.panels, columns, stride, count, scratch.accumulators);
        }
      }
    }
    constexpr int run = dwords_in_words(Format::weight_max, dwords);
    if constexpr (run == 1) {
      VectorProducts::multiply<Format, panels>(columns, stride, count, scratch);
    } else {
      multiply_columns<WordDots<Shape, run, 0>, panels>(scratch.panels, columns, stride, count,
                                                        scratch.accumulators);
    }
  }
};
