// The vocabulary (simd/scalar.inl says what each word means) for AVX-512 F, BW, VL, DQ with VNNI:
// one register per value.
#pragma once

struct F32x16 {
  __m512 v;
};
struct I32x16 {
  __m512i v;
};

constexpr int block_panels = 2;
constexpr int block_columns = 6;
constexpr int float_rows = 4;
constexpr int attention_rows = 4;
constexpr int attention_vectors = 4;
#ifdef HEARTH_DOTS_ON_TILES
constexpr int signed_bias = 0;
#else
// VNNI multiplies unsigned by signed bytes only.
constexpr int signed_bias = 128;
#endif

inline __mmask16 first_lanes(int64_t count) {
  return static_cast<__mmask16>((1u << count) - 1);
}

inline F32x16 zero_f32() {
  return {_mm512_setzero_ps()};
}
inline F32x16 splat(float value) {
  return {_mm512_set1_ps(value)};
}
inline F32x16 load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
inline F32x16 load_first(const float* p, int64_t count) {
  return {_mm512_maskz_loadu_ps(first_lanes(count), p)};
}
inline void store(float* p, F32x16 a) {
  _mm512_storeu_ps(p, a.v);
}
inline void store_first(float* p, int64_t count, F32x16 a) {
  _mm512_mask_storeu_ps(p, first_lanes(count), a.v);
}
inline F32x16 add(F32x16 a, F32x16 b) {
  return {_mm512_add_ps(a.v, b.v)};
}
inline F32x16 sub(F32x16 a, F32x16 b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
inline F32x16 mul(F32x16 a, F32x16 b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
inline F32x16 div(F32x16 a, F32x16 b) {
  return {_mm512_div_ps(a.v, b.v)};
}
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
inline float fma_scalar(float a, float b, float c) {
  return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
}
inline float sqrt_scalar(float a) {
  return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a)));
}
inline F32x16 max(F32x16 a, F32x16 b) {
  return {_mm512_max_ps(a.v, b.v)};
}
inline F32x16 abs(F32x16 a) {
  return {_mm512_abs_ps(a.v)};
}
inline F32x16 select_less(F32x16 a, F32x16 b, F32x16 x, F32x16 y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
}
inline F32x16 select_lanes(int64_t begin, int64_t end, F32x16 a, F32x16 b) {
  const __mmask16 lanes = static_cast<__mmask16>(first_lanes(end) & ~first_lanes(begin));
  return {_mm512_mask_blend_ps(lanes, b.v, a.v)};
}
inline float sum(F32x16 a) {
  const __m256 by8 = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 by4 = _mm_add_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
  const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
  return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
}
inline float first_lane(F32x16 a) {
  return _mm512_cvtss_f32(a.v);
}
inline float max_lane(F32x16 a) {
  const __m256 by8 = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 by4 = _mm_max_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
  const __m128 by2 = _mm_max_ps(by4, _mm_movehl_ps(by4, by4));
  return _mm_cvtss_f32(_mm_max_ss(by2, _mm_movehdup_ps(by2)));
}
inline void split_pairs(F32x16 a, F32x16 b, F32x16& even, F32x16& odd) {
  const __m512i evens =
      _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odds = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  even.v = _mm512_permutex2var_ps(a.v, evens, b.v);
  odd.v = _mm512_permutex2var_ps(a.v, odds, b.v);
}
inline void join_pairs(F32x16 even, F32x16 odd, F32x16& a, F32x16& b) {
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high =
      _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  a.v = _mm512_permutex2var_ps(even.v, low, odd.v);
  b.v = _mm512_permutex2var_ps(even.v, high, odd.v);
}

inline F32x16 load_halves(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
inline F32x16 load_halves_first(const uint16_t* p, int64_t count) {
  return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(count), p))};
}
inline void store_halves(uint16_t* p, F32x16 a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline F32x16 load_bfloats(const uint16_t* p) {
  const __m512i wide =
      _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
}
inline F32x16 load_bfloats_first(const uint16_t* p, int64_t count) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first_lanes(count), p));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
}
inline F32x16 halves_to_float(I32x16 a) {
  return {_mm512_cvtph_ps(_mm512_cvtepi32_epi16(a.v))};
}

inline I32x16 zero_i32() {
  return {_mm512_setzero_si512()};
}
inline I32x16 splat_i32(uint32_t value) {
  return {_mm512_set1_epi32(static_cast<int>(value))};
}
inline I32x16 load_i32(const void* p) {
  return {_mm512_loadu_si512(p)};
}
inline void store_i32(void* p, I32x16 a) {
  _mm512_storeu_si512(p, a.v);
}
inline void store_bytes(int8_t* p, I32x16 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v));
}
inline I32x16 load_bytes(const void* p) {
  return {_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)))};
}
inline I32x16 load_words(const void* p) {
  return {_mm512_cvtepi16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p)))};
}
inline I32x16 splat_dword(const void* p) {
  int value;
  __builtin_memcpy(&value, p, 4);
  return {_mm512_set1_epi32(value)};
}
inline I32x16 load_4x16(const void* a, const void* b, const void* c, const void* d) {
  const auto part = [](const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); };
  const __m512i first = _mm512_castsi128_si512(part(a));
  const __m512i second = _mm512_inserti32x4(first, part(b), 1);
  const __m512i third = _mm512_inserti32x4(second, part(c), 2);
  return {_mm512_inserti32x4(third, part(d), 3)};
}
inline void transpose4(I32x16 (&a)[4]) {
  const __m512i low01 = _mm512_unpacklo_epi32(a[0].v, a[1].v);
  const __m512i high01 = _mm512_unpackhi_epi32(a[0].v, a[1].v);
  const __m512i low23 = _mm512_unpacklo_epi32(a[2].v, a[3].v);
  const __m512i high23 = _mm512_unpackhi_epi32(a[2].v, a[3].v);
  a[0].v = _mm512_unpacklo_epi64(low01, low23);
  a[1].v = _mm512_unpackhi_epi64(low01, low23);
  a[2].v = _mm512_unpacklo_epi64(high01, high23);
  a[3].v = _mm512_unpackhi_epi64(high01, high23);
}
inline I32x16 bit_and(I32x16 a, I32x16 b) {
  return {_mm512_and_si512(a.v, b.v)};
}
inline I32x16 bit_or(I32x16 a, I32x16 b) {
  return {_mm512_or_si512(a.v, b.v)};
}
inline I32x16 bit_xor(I32x16 a, I32x16 b) {
  return {_mm512_xor_si512(a.v, b.v)};
}
template <int count>
inline I32x16 shift_left(I32x16 a) {
  return {_mm512_slli_epi32(a.v, count)};
}
template <int count>
inline I32x16 shift_right(I32x16 a) {
  return {_mm512_srli_epi32(a.v, count)};
}
template <int count>
inline I32x16 shift_right_signed(I32x16 a) {
  return {_mm512_srai_epi32(a.v, count)};
}
inline I32x16 shift_right_by(I32x16 a, int count) {
  return {_mm512_srl_epi32(a.v, _mm_cvtsi32_si128(count))};
}
inline I32x16 add_i32(I32x16 a, I32x16 b) {
  return {_mm512_add_epi32(a.v, b.v)};
}
inline I32x16 sub_i32(I32x16 a, I32x16 b) {
  return {_mm512_sub_epi32(a.v, b.v)};
}
inline I32x16 add_bytes(I32x16 a, I32x16 b) {
  return {_mm512_add_epi8(a.v, b.v)};
}
inline I32x16 look_up(I32x16 table, I32x16 index) {
  return {_mm512_shuffle_epi8(table.v, index.v)};
}
inline I32x16 gather(const void* dwords, I32x16 index) {
  return {_mm512_i32gather_epi32(index.v, dwords, 4)};
}
inline F32x16 to_float(I32x16 a) {
  return {_mm512_cvtepi32_ps(a.v)};
}
inline I32x16 to_int(F32x16 a) {
  return {_mm512_cvtps_epi32(a.v)};
}
inline F32x16 bits_as_float(I32x16 a) {
  return {_mm512_castsi512_ps(a.v)};
}
inline I32x16 float_as_bits(F32x16 a) {
  return {_mm512_castps_si512(a.v)};
}

inline I32x16 dot_unsigned(I32x16 sum_, I32x16 weights, I32x16 x) {
  return {_mm512_dpbusd_epi32(sum_.v, weights.v, x.v)};
}
inline I32x16 dot_signed(I32x16 sum_, I32x16 weights, I32x16 x) {
  return {_mm512_dpbusd_epi32(sum_.v, weights.v, x.v)};
}
inline I32x16 dot_pairs(I32x16 sum_, I32x16 a, I32x16 b) {
  return {_mm512_dpwssd_epi32(sum_.v, a.v, b.v)};
}

inline void prefetch(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
}
inline void prefetch_near(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
}
