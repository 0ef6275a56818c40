// The vocabulary (simd/scalar.inl says what each word means) for AVX2 with FMA and F16C: a pair of
// registers per value. Without AVX-VNNI weights of at most 127 leave the dot products no way to
// saturate 16 bits, and signed ones go by magnitude; where the compiler may use AVX-VNNI a dot
// product is one instruction.
#pragma once

struct F32x16 {
  __m256 v[2];
};
struct I32x16 {
  __m256i v[2];
};

constexpr int block_panels = 1;
constexpr int block_columns = 3;
constexpr int float_rows = 2;
constexpr int attention_rows = 2;
constexpr int attention_vectors = 2;
#ifdef __AVXVNNI__
// VNNI multiplies unsigned by signed bytes only.
constexpr int signed_bias = 128;
#else
constexpr int signed_bias = 0;
#endif

// All ones in the lanes below `count` (any integer) of the eight that start at lane `first`.
inline __m256i lanes_below(int64_t count, int first) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count) - first), lanes);
}

inline F32x16 zero_f32() {
  return {{_mm256_setzero_ps(), _mm256_setzero_ps()}};
}
inline F32x16 splat(float value) {
  return {{_mm256_set1_ps(value), _mm256_set1_ps(value)}};
}
inline F32x16 load(const float* p) {
  return {{_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}};
}
inline F32x16 load_first(const float* p, int64_t count) {
  return {{_mm256_maskload_ps(p, lanes_below(count, 0)),
           _mm256_maskload_ps(p + 8, lanes_below(count, 8))}};
}
inline void store(float* p, F32x16 a) {
  _mm256_storeu_ps(p, a.v[0]);
  _mm256_storeu_ps(p + 8, a.v[1]);
}
inline void store_first(float* p, int64_t count, F32x16 a) {
  _mm256_maskstore_ps(p, lanes_below(count, 0), a.v[0]);
  _mm256_maskstore_ps(p + 8, lanes_below(count, 8), a.v[1]);
}
inline F32x16 add(F32x16 a, F32x16 b) {
  return {{_mm256_add_ps(a.v[0], b.v[0]), _mm256_add_ps(a.v[1], b.v[1])}};
}
inline F32x16 sub(F32x16 a, F32x16 b) {
  return {{_mm256_sub_ps(a.v[0], b.v[0]), _mm256_sub_ps(a.v[1], b.v[1])}};
}
inline F32x16 mul(F32x16 a, F32x16 b) {
  return {{_mm256_mul_ps(a.v[0], b.v[0]), _mm256_mul_ps(a.v[1], b.v[1])}};
}
inline F32x16 div(F32x16 a, F32x16 b) {
  return {{_mm256_div_ps(a.v[0], b.v[0]), _mm256_div_ps(a.v[1], b.v[1])}};
}
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {{_mm256_fmadd_ps(a.v[0], b.v[0], c.v[0]), _mm256_fmadd_ps(a.v[1], b.v[1], c.v[1])}};
}
inline float fma_scalar(float a, float b, float c) {
  return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
}
inline float sqrt_scalar(float a) {
  return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a)));
}
inline F32x16 max(F32x16 a, F32x16 b) {
  return {{_mm256_max_ps(a.v[0], b.v[0]), _mm256_max_ps(a.v[1], b.v[1])}};
}
inline F32x16 abs(F32x16 a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {{_mm256_andnot_ps(sign, a.v[0]), _mm256_andnot_ps(sign, a.v[1])}};
}
inline F32x16 select_less(F32x16 a, F32x16 b, F32x16 x, F32x16 y) {
  return {{_mm256_blendv_ps(y.v[0], x.v[0], _mm256_cmp_ps(a.v[0], b.v[0], _CMP_LT_OQ)),
           _mm256_blendv_ps(y.v[1], x.v[1], _mm256_cmp_ps(a.v[1], b.v[1], _CMP_LT_OQ))}};
}
inline F32x16 select_lanes(int64_t begin, int64_t end, F32x16 a, F32x16 b) {
  const __m256i low = _mm256_andnot_si256(lanes_below(begin, 0), lanes_below(end, 0));
  const __m256i high = _mm256_andnot_si256(lanes_below(begin, 8), lanes_below(end, 8));
  return {{_mm256_blendv_ps(b.v[0], a.v[0], _mm256_castsi256_ps(low)),
           _mm256_blendv_ps(b.v[1], a.v[1], _mm256_castsi256_ps(high))}};
}
inline float sum(F32x16 a) {
  const __m256 by8 = _mm256_add_ps(a.v[0], a.v[1]);
  const __m128 by4 = _mm_add_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
  const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
  return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
}
inline float first_lane(F32x16 a) {
  return _mm256_cvtss_f32(a.v[0]);
}
inline float max_lane(F32x16 a) {
  const __m256 by8 = _mm256_max_ps(a.v[0], a.v[1]);
  const __m128 by4 = _mm_max_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
  const __m128 by2 = _mm_max_ps(by4, _mm_movehl_ps(by4, by4));
  return _mm_cvtss_f32(_mm_max_ss(by2, _mm_movehdup_ps(by2)));
}
// Of two registers: their even elements, their odd elements.
inline __m256 every_second(__m256 a, __m256 b, bool odd) {
  const __m256 mixed = odd ? _mm256_shuffle_ps(a, b, 0xdd) : _mm256_shuffle_ps(a, b, 0x88);
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(mixed), 0xd8));
}
inline void split_pairs(F32x16 a, F32x16 b, F32x16& even, F32x16& odd) {
  even = {{every_second(a.v[0], a.v[1], false), every_second(b.v[0], b.v[1], false)}};
  odd = {{every_second(a.v[0], a.v[1], true), every_second(b.v[0], b.v[1], true)}};
}
inline F32x16 interleave(__m256 even, __m256 odd) {
  const __m256 low = _mm256_unpacklo_ps(even, odd);
  const __m256 high = _mm256_unpackhi_ps(even, odd);
  return {{_mm256_permute2f128_ps(low, high, 0x20), _mm256_permute2f128_ps(low, high, 0x31)}};
}
inline void join_pairs(F32x16 even, F32x16 odd, F32x16& a, F32x16& b) {
  a = interleave(even.v[0], odd.v[0]);
  b = interleave(even.v[1], odd.v[1]);
}

inline F32x16 load_halves(const uint16_t* p) {
  const __m128i* parts = reinterpret_cast<const __m128i*>(p);
  return {{_mm256_cvtph_ps(_mm_loadu_si128(parts)), _mm256_cvtph_ps(_mm_loadu_si128(parts + 1))}};
}
inline F32x16 load_halves_first(const uint16_t* p, int64_t count) {
  uint16_t padded[16] = {};
  for (int64_t i = 0; i < count; ++i) padded[i] = p[i];
  return load_halves(padded);
}
inline void store_halves(uint16_t* p, F32x16 a) {
  __m128i* parts = reinterpret_cast<__m128i*>(p);
  _mm_storeu_si128(parts, _mm256_cvtps_ph(a.v[0], _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(parts + 1, _mm256_cvtps_ph(a.v[1], _MM_FROUND_TO_NEAREST_INT));
}
inline F32x16 load_bfloats(const uint16_t* p) {
  const __m128i* parts = reinterpret_cast<const __m128i*>(p);
  const __m256i low = _mm256_cvtepu16_epi32(_mm_loadu_si128(parts));
  const __m256i high = _mm256_cvtepu16_epi32(_mm_loadu_si128(parts + 1));
  return {{_mm256_castsi256_ps(_mm256_slli_epi32(low, 16)),
           _mm256_castsi256_ps(_mm256_slli_epi32(high, 16))}};
}
inline F32x16 load_bfloats_first(const uint16_t* p, int64_t count) {
  uint16_t padded[16] = {};
  for (int64_t i = 0; i < count; ++i) padded[i] = p[i];
  return load_bfloats(padded);
}
inline F32x16 halves_to_float(I32x16 a) {
  const __m256i mask = _mm256_set1_epi32(0xffff);
  const __m256i packed = _mm256_permute4x64_epi64(
      _mm256_packus_epi32(_mm256_and_si256(a.v[0], mask), _mm256_and_si256(a.v[1], mask)), 0xd8);
  return {{_mm256_cvtph_ps(_mm256_castsi256_si128(packed)),
           _mm256_cvtph_ps(_mm256_extracti128_si256(packed, 1))}};
}

inline I32x16 zero_i32() {
  return {{_mm256_setzero_si256(), _mm256_setzero_si256()}};
}
inline I32x16 splat_i32(uint32_t value) {
  const __m256i both = _mm256_set1_epi32(static_cast<int>(value));
  return {{both, both}};
}
inline I32x16 load_i32(const void* p) {
  const __m256i* parts = static_cast<const __m256i*>(p);
  return {{_mm256_loadu_si256(parts), _mm256_loadu_si256(parts + 1)}};
}
inline void store_i32(void* p, I32x16 a) {
  __m256i* parts = static_cast<__m256i*>(p);
  _mm256_storeu_si256(parts, a.v[0]);
  _mm256_storeu_si256(parts + 1, a.v[1]);
}
inline void store_bytes(int8_t* p, I32x16 a) {
  const __m256i mask = _mm256_set1_epi32(0xff);
  const __m256i words = _mm256_permute4x64_epi64(
      _mm256_packus_epi32(_mm256_and_si256(a.v[0], mask), _mm256_and_si256(a.v[1], mask)), 0xd8);
  const __m128i bytes =
      _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
}
inline I32x16 load_bytes(const void* p) {
  const __m128i bytes = _mm_loadu_si128(static_cast<const __m128i*>(p));
  return {{_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))}};
}
inline I32x16 load_words(const void* p) {
  const __m128i* parts = static_cast<const __m128i*>(p);
  return {{_mm256_cvtepi16_epi32(_mm_loadu_si128(parts)),
           _mm256_cvtepi16_epi32(_mm_loadu_si128(parts + 1))}};
}
inline I32x16 splat_dword(const void* p) {
  int value;
  __builtin_memcpy(&value, p, 4);
  const __m256i both = _mm256_set1_epi32(value);
  return {{both, both}};
}
inline __m256i load_2x16(const void* a, const void* b) {
  const __m128i low = _mm_loadu_si128(static_cast<const __m128i*>(a));
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low),
                                 _mm_loadu_si128(static_cast<const __m128i*>(b)), 1);
}
inline I32x16 load_4x16(const void* a, const void* b, const void* c, const void* d) {
  return {{load_2x16(a, b), load_2x16(c, d)}};
}
inline void transpose4(I32x16 (&a)[4]) {
  for (int half = 0; half < 2; ++half) {
    const __m256i low01 = _mm256_unpacklo_epi32(a[0].v[half], a[1].v[half]);
    const __m256i high01 = _mm256_unpackhi_epi32(a[0].v[half], a[1].v[half]);
    const __m256i low23 = _mm256_unpacklo_epi32(a[2].v[half], a[3].v[half]);
    const __m256i high23 = _mm256_unpackhi_epi32(a[2].v[half], a[3].v[half]);
    a[0].v[half] = _mm256_unpacklo_epi64(low01, low23);
    a[1].v[half] = _mm256_unpackhi_epi64(low01, low23);
    a[2].v[half] = _mm256_unpacklo_epi64(high01, high23);
    a[3].v[half] = _mm256_unpackhi_epi64(high01, high23);
  }
}
inline I32x16 bit_and(I32x16 a, I32x16 b) {
  return {{_mm256_and_si256(a.v[0], b.v[0]), _mm256_and_si256(a.v[1], b.v[1])}};
}
inline I32x16 bit_or(I32x16 a, I32x16 b) {
  return {{_mm256_or_si256(a.v[0], b.v[0]), _mm256_or_si256(a.v[1], b.v[1])}};
}
inline I32x16 bit_xor(I32x16 a, I32x16 b) {
  return {{_mm256_xor_si256(a.v[0], b.v[0]), _mm256_xor_si256(a.v[1], b.v[1])}};
}
template <int count>
inline I32x16 shift_left(I32x16 a) {
  return {{_mm256_slli_epi32(a.v[0], count), _mm256_slli_epi32(a.v[1], count)}};
}
template <int count>
inline I32x16 shift_right(I32x16 a) {
  return {{_mm256_srli_epi32(a.v[0], count), _mm256_srli_epi32(a.v[1], count)}};
}
template <int count>
inline I32x16 shift_right_signed(I32x16 a) {
  return {{_mm256_srai_epi32(a.v[0], count), _mm256_srai_epi32(a.v[1], count)}};
}
inline I32x16 shift_right_by(I32x16 a, int count) {
  const __m128i by = _mm_cvtsi32_si128(count);
  return {{_mm256_srl_epi32(a.v[0], by), _mm256_srl_epi32(a.v[1], by)}};
}
inline I32x16 add_i32(I32x16 a, I32x16 b) {
  return {{_mm256_add_epi32(a.v[0], b.v[0]), _mm256_add_epi32(a.v[1], b.v[1])}};
}
inline I32x16 sub_i32(I32x16 a, I32x16 b) {
  return {{_mm256_sub_epi32(a.v[0], b.v[0]), _mm256_sub_epi32(a.v[1], b.v[1])}};
}
inline I32x16 add_bytes(I32x16 a, I32x16 b) {
  return {{_mm256_add_epi8(a.v[0], b.v[0]), _mm256_add_epi8(a.v[1], b.v[1])}};
}
inline I32x16 look_up(I32x16 table, I32x16 index) {
  return {
      {_mm256_shuffle_epi8(table.v[0], index.v[0]), _mm256_shuffle_epi8(table.v[1], index.v[1])}};
}
inline I32x16 gather(const void* dwords, I32x16 index) {
  const int* base = static_cast<const int*>(dwords);
  return {
      {_mm256_i32gather_epi32(base, index.v[0], 4), _mm256_i32gather_epi32(base, index.v[1], 4)}};
}
inline F32x16 to_float(I32x16 a) {
  return {{_mm256_cvtepi32_ps(a.v[0]), _mm256_cvtepi32_ps(a.v[1])}};
}
inline I32x16 to_int(F32x16 a) {
  return {{_mm256_cvtps_epi32(a.v[0]), _mm256_cvtps_epi32(a.v[1])}};
}
inline F32x16 bits_as_float(I32x16 a) {
  return {{_mm256_castsi256_ps(a.v[0]), _mm256_castsi256_ps(a.v[1])}};
}
inline I32x16 float_as_bits(F32x16 a) {
  return {{_mm256_castps_si256(a.v[0]), _mm256_castps_si256(a.v[1])}};
}

#ifdef __AVXVNNI__
inline I32x16 dot_unsigned(I32x16 sum_, I32x16 weights, I32x16 x) {
  return {{_mm256_dpbusd_avx_epi32(sum_.v[0], weights.v[0], x.v[0]),
           _mm256_dpbusd_avx_epi32(sum_.v[1], weights.v[1], x.v[1])}};
}
inline I32x16 dot_signed(I32x16 sum_, I32x16 weights, I32x16 x) {
  return dot_unsigned(sum_, weights, x);
}
inline I32x16 dot_pairs(I32x16 sum_, I32x16 a, I32x16 b) {
  return {{_mm256_dpwssd_avx_epi32(sum_.v[0], a.v[0], b.v[0]),
           _mm256_dpwssd_avx_epi32(sum_.v[1], a.v[1], b.v[1])}};
}
#else
// `a`, to be known before anything is added to it: compilers like to regroup long sums of integers,
// and then have to keep all their terms.
inline __m256i in_order(__m256i a) {
  asm("" : "+x"(a));
  return a;
}
// sum + (unsigned bytes . signed bytes) per dword of one register.
inline __m256i dot_register(__m256i sum_, __m256i weights, __m256i x) {
  return in_order(_mm256_add_epi32(
      sum_, _mm256_madd_epi16(_mm256_maddubs_epi16(weights, x), _mm256_set1_epi16(1))));
}
inline I32x16 dot_unsigned(I32x16 sum_, I32x16 weights, I32x16 x) {
  return {{dot_register(sum_.v[0], weights.v[0], x.v[0]),
           dot_register(sum_.v[1], weights.v[1], x.v[1])}};
}
inline __m256i dot_register_signed(__m256i sum_, __m256i weights, __m256i x) {
  return dot_register(sum_, _mm256_abs_epi8(weights), _mm256_sign_epi8(x, weights));
}
inline I32x16 dot_signed(I32x16 sum_, I32x16 weights, I32x16 x) {
  return {{dot_register_signed(sum_.v[0], weights.v[0], x.v[0]),
           dot_register_signed(sum_.v[1], weights.v[1], x.v[1])}};
}
inline I32x16 dot_pairs(I32x16 sum_, I32x16 a, I32x16 b) {
  return {{_mm256_add_epi32(sum_.v[0], _mm256_madd_epi16(a.v[0], b.v[0])),
           _mm256_add_epi32(sum_.v[1], _mm256_madd_epi16(a.v[1], b.v[1]))}};
}
#endif

inline void prefetch(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
}
inline void prefetch_near(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
}
