// A cache page as operands of the tile unit: keys and values in bf16, as second factors, whose rows
// are pairs of the dimension that is summed over.
#pragma once

#include "engine/kernels/ops/cache_page.inl"

constexpr int64_t segment_tokens = page_tokens * segment_pages;
constexpr int64_t tile_values = 512;  // 16 rows of 16 pairs

// Tiles that cover the dimensions of a key (32 each) and of a value (16 each).
constexpr int64_t key_steps(int64_t dim) {
  return (dim + 31) / 32;
}
constexpr int64_t value_tiles(int64_t dim) {
  return (dim + 15) / 16;
}

// The pages of a segment.
struct alignas(64) TilePages {
  // [page][2 halves of its tokens][key_steps][16 pairs of dimensions][16 tokens][2]
  uint16_t keys[segment_tokens * attention_dim_max];
  // [page][value_tiles][16 pairs of tokens][16 dimensions][2]
  uint16_t values[segment_tokens * attention_dim_max];
  // Of each page, the tokens whose value is not finite. Their values are zero above, because zero
  // times infinity would reach queries that do not see them.
  uint32_t infinite[segment_pages];
  // One page in floats, for types that are scaled.
  alignas(64) float float_keys[page_tokens * attention_dim_max];
  alignas(64) float float_values[page_tokens * attention_dim_max];
};

// Sixteen and sixteen values as bf16, rounded to nearest even; denormal ones become zero.
inline __m512i bfloats(F32x16 low, F32x16 high) {
  const __m512bh packed = _mm512_cvtne2ps_pbh(high.v, low.v);
  __m512i bits;
  __builtin_memcpy(&bits, &packed, sizeof(bits));
  return bits;
}

// The same as pairs (low[i], high[i]).
inline __m512i bfloat_pairs(F32x16 low, F32x16 high) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, bfloats(low, high));
}

inline F32x16 load_values(const float* p) {
  return load(p);
}
inline F32x16 load_values(const uint16_t* p) {
  return load_halves(p);
}

template <class Value>
inline void pack_keys(const Value* keys, int64_t dim, uint16_t* out) {
  const int64_t steps = key_steps(dim);
  for (int64_t half = 0; half < 2; ++half) {
    const Value* key = keys + 16 * half;
    uint16_t* pairs = out + half * steps * tile_values;
    int64_t i = 0;
    for (; i + 2 <= dim; i += 2) {
      _mm512_store_si512(pairs + i * 16, bfloat_pairs(load_values(key + i * page_tokens),
                                                      load_values(key + (i + 1) * page_tokens)));
    }
    if (i < dim) {
      _mm512_store_si512(pairs + i * 16,
                         bfloat_pairs(load_values(key + i * page_tokens), zero_f32()));
      i += 2;
    }
    for (; i < steps * 32; i += 2) _mm512_store_si512(pairs + i * 16, _mm512_setzero_si512());
  }
}

// Values of the tokens in `kept` (bit i: token i), zero for the others. Returns whether any of them
// is not finite.
template <class Value>
inline bool pack_values(const Value* values, int64_t dim, uint32_t kept, uint16_t* out) {
  const int64_t width = padded_dim(dim);
  __m512 witness[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  const __m512bh zeros = _mm512_cvtne2ps_pbh(_mm512_setzero_ps(), _mm512_setzero_ps());
  for (int64_t pair = 0; pair < page_tokens / 2; ++pair) {
    const Value* first = values + 2 * pair * width;
    const bool keeps_first = (kept >> (2 * pair) & 1) != 0;
    const bool keeps_second = (kept >> (2 * pair + 1) & 1) != 0;
    for (int64_t i = 0; i < width; i += 16) {
      const F32x16 low = keeps_first ? load_values(first + i) : zero_f32();
      const F32x16 high = keeps_second ? load_values(first + width + i) : zero_f32();
      const __m512i bits = bfloat_pairs(low, high);
      __m512bh packed;
      __builtin_memcpy(&packed, &bits, sizeof(bits));
      // Infinity and NaN times zero are NaN.
      __m512& sum_ = witness[i / 16 % 2];
      sum_ = _mm512_dpbf16_ps(sum_, packed, zeros);
      _mm512_store_si512(out + i / 16 * tile_values + pair * 32, bits);
    }
  }
  const __m512 both = _mm512_add_ps(witness[0], witness[1]);
  return _mm512_cmp_ps_mask(both, both, _CMP_UNORD_Q) != 0;
}

// The tokens of a packed page that have a value which is not finite.
inline uint32_t infinite_tokens(const uint16_t* packed, int64_t dim) {
  const __m512i exponent = _mm512_set1_epi16(0x7f80);
  uint32_t tokens = 0;
  for (int64_t tile = 0; tile < value_tiles(dim); ++tile) {
    for (int64_t pair = 0; pair < 16; ++pair) {
      const __m512i bits = _mm512_load_si512(packed + tile * tile_values + pair * 32);
      const __mmask32 found = _mm512_cmpeq_epi16_mask(_mm512_and_si512(bits, exponent), exponent);
      if ((found & 0x55555555u) != 0) tokens |= 1u << (2 * pair);
      if ((found & 0xaaaaaaaau) != 0) tokens |= 2u << (2 * pair);
    }
  }
  return tokens;
}

inline uint32_t token_bits(TokenRange tokens) {
  const uint64_t below_end = (uint64_t{1} << tokens.end) - 1;
  return static_cast<uint32_t>(below_end & ~((uint64_t{1} << tokens.begin) - 1));
}

template <class Value>
inline void pack_page(const KvHeadShape& shape, const Value* keys, const Value* values,
                      TokenRange seen, int64_t page, TilePages& out) {
  const int64_t value_count = value_tiles(shape.value_dim) * tile_values;
  uint16_t* packed = out.values + page * value_count;
  const uint32_t kept = token_bits(seen);
  pack_keys(keys, shape.key_dim, out.keys + page * key_steps(shape.key_dim) * 2 * tile_values);
  out.infinite[page] = 0;
  if (!pack_values(values, shape.value_dim, kept, packed)) return;
  out.infinite[page] = infinite_tokens(packed, shape.value_dim);
  pack_values(values, shape.value_dim, kept & ~out.infinite[page], packed);
}

// Page `page` of the segment; values of tokens outside `seen` are zero whatever they hold.
inline void convert_page(const KvHeadShape& shape, const void* source, TokenRange seen,
                         int64_t page, TilePages& out) {
  if (shape.type == KvType::f16) {
    const uint16_t* halves = static_cast<const uint16_t*>(source);
    pack_page(shape, halves, halves + shape.key_dim * page_tokens, seen, page, out);
    return;
  }
  const PageFloats floats =
      page_floats(shape, source, nullptr, seen, {out.float_keys, out.float_values});
  pack_page(shape, floats.keys, floats.values, seen, page, out);
}

// Whether any of these tokens of the segment has a value that is not finite.
inline bool sees_any(const TilePages& pages, TokenRange seen) {
  for (int64_t page = seen.begin / page_tokens; page * page_tokens < seen.end; ++page) {
    if (pages.infinite[page] == 0) continue;
    const int64_t first = page * page_tokens;
    const int64_t begin = seen.begin > first ? seen.begin - first : 0;
    const int64_t end = seen.end - first < page_tokens ? seen.end - first : page_tokens;
    if ((pages.infinite[page] & token_bits({begin, end})) != 0) return true;
  }
  return false;
}
