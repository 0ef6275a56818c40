// The vocabulary (simd/scalar.inl says what each word means) for 64-bit ARM: four registers per
// value. Dot products take the instructions of dotprod where the including file may use them;
// without them, products of 16 bits, which weights of at most 127 cannot overflow in pairs.
#pragma once

struct F32x16 {
  float32x4_t v[4];
};
struct I32x16 {
  uint32x4_t v[4];
};

constexpr int block_panels = 1;
constexpr int block_columns = 2;
constexpr int float_rows = 1;
constexpr int attention_rows = 2;
constexpr int attention_vectors = 2;
constexpr int signed_bias = 0;

template <class Function>
[[gnu::always_inline]] inline F32x16 map_f32(Function function) {
  return {{function(0), function(1), function(2), function(3)}};
}
template <class Function>
[[gnu::always_inline]] inline I32x16 map_i32(Function function) {
  return {{function(0), function(1), function(2), function(3)}};
}

inline F32x16 zero_f32() {
  return map_f32([](int) { return vdupq_n_f32(0.0f); });
}
inline F32x16 splat(float value) {
  return map_f32([=](int) { return vdupq_n_f32(value); });
}
inline F32x16 load(const float* p) {
  return map_f32([=](int i) { return vld1q_f32(p + 4 * i); });
}
inline F32x16 load_first(const float* p, int64_t count) {
  if (count >= 16) return load(p);
  float padded[16] = {};
  for (int64_t i = 0; i < count; ++i) padded[i] = p[i];
  return load(padded);
}
inline void store(float* p, F32x16 a) {
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, a.v[i]);
}
inline void store_first(float* p, int64_t count, F32x16 a) {
  if (count >= 16) return store(p, a);
  float padded[16];
  store(padded, a);
  for (int64_t i = 0; i < count; ++i) p[i] = padded[i];
}
inline F32x16 add(F32x16 a, F32x16 b) {
  return map_f32([&](int i) { return vaddq_f32(a.v[i], b.v[i]); });
}
inline F32x16 sub(F32x16 a, F32x16 b) {
  return map_f32([&](int i) { return vsubq_f32(a.v[i], b.v[i]); });
}
inline F32x16 mul(F32x16 a, F32x16 b) {
  return map_f32([&](int i) { return vmulq_f32(a.v[i], b.v[i]); });
}
inline F32x16 div(F32x16 a, F32x16 b) {
  return map_f32([&](int i) { return vdivq_f32(a.v[i], b.v[i]); });
}
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return map_f32([&](int i) { return vfmaq_f32(c.v[i], a.v[i], b.v[i]); });
}
inline float fma_scalar(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
inline float sqrt_scalar(float a) {
  return vget_lane_f32(vsqrt_f32(vdup_n_f32(a)), 0);
}
// FMAX would give a number's neighbour that is none, and +0 for two zeros.
inline F32x16 max(F32x16 a, F32x16 b) {
  return map_f32([&](int i) { return vbslq_f32(vcgtq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]); });
}
inline F32x16 abs(F32x16 a) {
  return map_f32([&](int i) { return vabsq_f32(a.v[i]); });
}
inline F32x16 select_less(F32x16 a, F32x16 b, F32x16 x, F32x16 y) {
  return map_f32([&](int i) { return vbslq_f32(vcltq_f32(a.v[i], b.v[i]), x.v[i], y.v[i]); });
}
inline F32x16 select_lanes(int64_t begin, int64_t end, F32x16 a, F32x16 b) {
  constexpr int32_t first_four[4] = {0, 1, 2, 3};
  const int32x4_t low = vdupq_n_s32(static_cast<int32_t>(begin));
  const int32x4_t high = vdupq_n_s32(static_cast<int32_t>(end));
  return map_f32([&](int i) {
    const int32x4_t lane = vaddq_s32(vld1q_s32(first_four), vdupq_n_s32(4 * i));
    return vbslq_f32(vandq_u32(vcgeq_s32(lane, low), vcltq_s32(lane, high)), a.v[i], b.v[i]);
  });
}
inline float sum(F32x16 a) {
  const float32x4_t by4 = vaddq_f32(vaddq_f32(a.v[0], a.v[2]), vaddq_f32(a.v[1], a.v[3]));
  const float32x2_t by2 = vadd_f32(vget_low_f32(by4), vget_high_f32(by4));
  return vpadds_f32(by2);
}
inline float first_lane(F32x16 a) {
  return vgetq_lane_f32(a.v[0], 0);
}
inline float larger_of(float a, float b) {
  return a > b ? a : b;
}
inline float max_lane(F32x16 a) {
  const F32x16 by8 = max(a, {{a.v[2], a.v[3], a.v[2], a.v[3]}});
  const F32x16 by4 = max(by8, {{by8.v[1], by8.v[1], by8.v[1], by8.v[1]}});
  const float even = larger_of(vgetq_lane_f32(by4.v[0], 0), vgetq_lane_f32(by4.v[0], 2));
  const float odd = larger_of(vgetq_lane_f32(by4.v[0], 1), vgetq_lane_f32(by4.v[0], 3));
  return larger_of(even, odd);
}
inline void split_pairs(F32x16 a, F32x16 b, F32x16& even, F32x16& odd) {
  const float32x4_t all[8] = {a.v[0], a.v[1], a.v[2], a.v[3], b.v[0], b.v[1], b.v[2], b.v[3]};
  even = map_f32([&](int i) { return vuzp1q_f32(all[2 * i], all[2 * i + 1]); });
  odd = map_f32([&](int i) { return vuzp2q_f32(all[2 * i], all[2 * i + 1]); });
}
inline F32x16 interleave(const float32x4_t* even, const float32x4_t* odd) {
  return {{vzip1q_f32(even[0], odd[0]), vzip2q_f32(even[0], odd[0]), vzip1q_f32(even[1], odd[1]),
           vzip2q_f32(even[1], odd[1])}};
}
inline void join_pairs(F32x16 even, F32x16 odd, F32x16& a, F32x16& b) {
  a = interleave(even.v, odd.v);
  b = interleave(even.v + 2, odd.v + 2);
}

inline float32x4_t float_from_halves(uint16x4_t halves) {
  return vcvt_f32_f16(vreinterpret_f16_u16(halves));
}
inline float32x4_t float_from_bfloats(uint16x4_t bfloats) {
  return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(bfloats), 16));
}
inline F32x16 load_halves(const uint16_t* p) {
  return map_f32([=](int i) { return float_from_halves(vld1_u16(p + 4 * i)); });
}
inline F32x16 load_halves_first(const uint16_t* p, int64_t count) {
  uint16_t padded[16] = {};
  for (int64_t i = 0; i < count; ++i) padded[i] = p[i];
  return load_halves(padded);
}
inline void store_halves(uint16_t* p, F32x16 a) {
  for (int i = 0; i < 4; ++i) vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(a.v[i])));
}
inline F32x16 load_bfloats(const uint16_t* p) {
  return map_f32([=](int i) { return float_from_bfloats(vld1_u16(p + 4 * i)); });
}
inline F32x16 load_bfloats_first(const uint16_t* p, int64_t count) {
  uint16_t padded[16] = {};
  for (int64_t i = 0; i < count; ++i) padded[i] = p[i];
  return load_bfloats(padded);
}
inline F32x16 halves_to_float(I32x16 a) {
  return map_f32([&](int i) { return float_from_halves(vmovn_u32(a.v[i])); });
}

inline I32x16 zero_i32() {
  return map_i32([](int) { return vdupq_n_u32(0); });
}
inline I32x16 splat_i32(uint32_t value) {
  return map_i32([=](int) { return vdupq_n_u32(value); });
}
// Sixteen bytes, of any alignment.
inline uint32x4_t load_register(const void* p) {
  return vreinterpretq_u32_u8(vld1q_u8(static_cast<const uint8_t*>(p)));
}
inline I32x16 load_i32(const void* p) {
  return map_i32([=](int i) { return load_register(static_cast<const uint8_t*>(p) + 16 * i); });
}
inline void store_i32(void* p, I32x16 a) {
  for (int i = 0; i < 4; ++i)
    vst1q_u8(static_cast<uint8_t*>(p) + 16 * i, vreinterpretq_u8_u32(a.v[i]));
}
inline void store_bytes(int8_t* p, I32x16 a) {
  const auto words = [](uint32x4_t low, uint32x4_t high) {
    return vuzp1q_s16(vreinterpretq_s16_u32(low), vreinterpretq_s16_u32(high));
  };
  vst1q_s8(p, vuzp1q_s8(vreinterpretq_s8_s16(words(a.v[0], a.v[1])),
                        vreinterpretq_s8_s16(words(a.v[2], a.v[3]))));
}
inline I32x16 words_to_dwords(int16x8_t low, int16x8_t high) {
  const auto dwords = [](int16x4_t words) { return vreinterpretq_u32_s32(vmovl_s16(words)); };
  return {{dwords(vget_low_s16(low)), dwords(vget_high_s16(low)), dwords(vget_low_s16(high)),
           dwords(vget_high_s16(high))}};
}
inline I32x16 load_bytes(const void* p) {
  const int8x16_t bytes = vld1q_s8(static_cast<const int8_t*>(p));
  return words_to_dwords(vmovl_s8(vget_low_s8(bytes)), vmovl_s8(vget_high_s8(bytes)));
}
inline I32x16 load_words(const void* p) {
  const uint8_t* bytes = static_cast<const uint8_t*>(p);
  return words_to_dwords(vreinterpretq_s16_u8(vld1q_u8(bytes)),
                         vreinterpretq_s16_u8(vld1q_u8(bytes + 16)));
}
inline I32x16 splat_dword(const void* p) {
  uint32_t value;
  __builtin_memcpy(&value, p, 4);
  return splat_i32(value);
}
inline I32x16 load_4x16(const void* a, const void* b, const void* c, const void* d) {
  return {{load_register(a), load_register(b), load_register(c), load_register(d)}};
}
inline void transpose4(I32x16 (&a)[4]) {
  for (int group = 0; group < 4; ++group) {
    const uint64x2_t low01 = vreinterpretq_u64_u32(vzip1q_u32(a[0].v[group], a[1].v[group]));
    const uint64x2_t high01 = vreinterpretq_u64_u32(vzip2q_u32(a[0].v[group], a[1].v[group]));
    const uint64x2_t low23 = vreinterpretq_u64_u32(vzip1q_u32(a[2].v[group], a[3].v[group]));
    const uint64x2_t high23 = vreinterpretq_u64_u32(vzip2q_u32(a[2].v[group], a[3].v[group]));
    a[0].v[group] = vreinterpretq_u32_u64(vzip1q_u64(low01, low23));
    a[1].v[group] = vreinterpretq_u32_u64(vzip2q_u64(low01, low23));
    a[2].v[group] = vreinterpretq_u32_u64(vzip1q_u64(high01, high23));
    a[3].v[group] = vreinterpretq_u32_u64(vzip2q_u64(high01, high23));
  }
}
inline I32x16 bit_and(I32x16 a, I32x16 b) {
  return map_i32([&](int i) { return vandq_u32(a.v[i], b.v[i]); });
}
inline I32x16 bit_or(I32x16 a, I32x16 b) {
  return map_i32([&](int i) { return vorrq_u32(a.v[i], b.v[i]); });
}
inline I32x16 bit_xor(I32x16 a, I32x16 b) {
  return map_i32([&](int i) { return veorq_u32(a.v[i], b.v[i]); });
}
template <int count>
inline I32x16 shift_left(I32x16 a) {
  return map_i32([&](int i) { return a.v[i] << count; });
}
template <int count>
inline I32x16 shift_right(I32x16 a) {
  return map_i32([&](int i) { return a.v[i] >> count; });
}
template <int count>
inline I32x16 shift_right_signed(I32x16 a) {
  return map_i32(
      [&](int i) { return vreinterpretq_u32_s32(vreinterpretq_s32_u32(a.v[i]) >> count); });
}
inline I32x16 shift_right_by(I32x16 a, int count) {
  return map_i32([&](int i) { return a.v[i] >> static_cast<uint32_t>(count); });
}
inline I32x16 add_i32(I32x16 a, I32x16 b) {
  return map_i32([&](int i) { return vaddq_u32(a.v[i], b.v[i]); });
}
inline I32x16 sub_i32(I32x16 a, I32x16 b) {
  return map_i32([&](int i) { return vsubq_u32(a.v[i], b.v[i]); });
}
inline uint8x16_t as_bytes(uint32x4_t a) {
  return vreinterpretq_u8_u32(a);
}
inline I32x16 add_bytes(I32x16 a, I32x16 b) {
  return map_i32(
      [&](int i) { return vreinterpretq_u32_u8(vaddq_u8(as_bytes(a.v[i]), as_bytes(b.v[i]))); });
}
inline I32x16 look_up(I32x16 table, I32x16 index) {
  return map_i32([&](int i) {
    return vreinterpretq_u32_u8(vqtbl1q_u8(as_bytes(table.v[i]), as_bytes(index.v[i])));
  });
}
inline I32x16 gather(const void* dwords, I32x16 index) {
  const uint32_t* base = static_cast<const uint32_t*>(dwords);
  return map_i32([&](int i) {
    uint32x4_t values = vld1q_dup_u32(base + vgetq_lane_u32(index.v[i], 0));
    values = vld1q_lane_u32(base + vgetq_lane_u32(index.v[i], 1), values, 1);
    values = vld1q_lane_u32(base + vgetq_lane_u32(index.v[i], 2), values, 2);
    return vld1q_lane_u32(base + vgetq_lane_u32(index.v[i], 3), values, 3);
  });
}
inline F32x16 to_float(I32x16 a) {
  return map_f32([&](int i) { return vcvtq_f32_s32(vreinterpretq_s32_u32(a.v[i])); });
}
// The instruction gives the largest integer where the number is too large, and 0 where it is none.
inline I32x16 to_int(F32x16 a) {
  return map_i32([&](int i) {
    const uint32x4_t fits = vcltq_f32(a.v[i], vdupq_n_f32(0x1p31f));
    const uint32x4_t rounded = vreinterpretq_u32_s32(vcvtnq_s32_f32(a.v[i]));
    return vbslq_u32(fits, rounded, vdupq_n_u32(0x80000000u));
  });
}
inline F32x16 bits_as_float(I32x16 a) {
  return map_f32([&](int i) { return vreinterpretq_f32_u32(a.v[i]); });
}
inline I32x16 float_as_bits(F32x16 a) {
  return map_i32([&](int i) { return vreinterpretq_u32_f32(a.v[i]); });
}

inline uint32x4_t dot_register(uint32x4_t sum_, uint32x4_t weights, uint32x4_t x) {
  const int8x16_t a = vreinterpretq_s8_u32(weights);
  const int8x16_t b = vreinterpretq_s8_u32(x);
#if defined(__ARM_FEATURE_DOTPROD)
  return vreinterpretq_u32_s32(vdotq_s32(vreinterpretq_s32_u32(sum_), a, b));
#else
  const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b));
  const int16x8_t pairs = vpaddq_s16(low, vmull_high_s8(a, b));
  return vreinterpretq_u32_s32(vpadalq_s16(vreinterpretq_s32_u32(sum_), pairs));
#endif
}
// Both kinds of weights fit into signed bytes.
inline I32x16 dot_signed(I32x16 sum_, I32x16 weights, I32x16 x) {
  return map_i32([&](int i) { return dot_register(sum_.v[i], weights.v[i], x.v[i]); });
}
inline I32x16 dot_unsigned(I32x16 sum_, I32x16 weights, I32x16 x) {
  return dot_signed(sum_, weights, x);
}
inline I32x16 dot_pairs(I32x16 sum_, I32x16 a, I32x16 b) {
  return map_i32([&](int i) {
    const int16x8_t x = vreinterpretq_s16_u32(a.v[i]);
    const int16x8_t y = vreinterpretq_s16_u32(b.v[i]);
    const int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
    const int32x4_t dots = vpaddq_s32(low, vmull_high_s16(x, y));
    return vaddq_u32(sum_.v[i], vreinterpretq_u32_s32(dots));
  });
}

inline void prefetch(const void* p) {
  __builtin_prefetch(p, 0, 2);
}
inline void prefetch_near(const void* p) {
  __builtin_prefetch(p, 0, 3);
}
