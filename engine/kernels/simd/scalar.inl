// The vocabulary of the kernels in plain C++: 16 floats, 16 dwords, and the few operations
// everything is written in. A dword is an int32 or four bytes or two int16, as the operation says.
// Every instruction set offers exactly these words and each gives the same bits (docs/numerics.md),
// so this file is also their definition. Included inside an anonymous namespace; the including file
// provides the headers.
#pragma once

struct F32x16 {
  float v[16];
};
struct I32x16 {
  uint32_t v[16];
};

// Shape of the register blocks: panels (of 16 rows) x columns in linear_blocks, rows x columns in
// linear_float, queries x 16 keys and queries x 16 values in attention.
constexpr int block_panels = 1;
constexpr int block_columns = 2;
constexpr int float_rows = 2;
constexpr int attention_rows = 2;
constexpr int attention_vectors = 2;
// Added to signed 8-bit weights before they are stored in a panel, see dot_signed.
constexpr int signed_bias = 0;

template <class Function>
F32x16 map_f32(Function function) {
  F32x16 result;
  for (int i = 0; i < 16; ++i) result.v[i] = function(i);
  return result;
}
template <class Function>
I32x16 map_i32(Function function) {
  I32x16 result;
  for (int i = 0; i < 16; ++i) result.v[i] = static_cast<uint32_t>(function(i));
  return result;
}

// Floats.
inline F32x16 zero_f32() {
  return map_f32([](int) { return 0.0f; });
}
inline F32x16 splat(float value) {
  return map_f32([=](int) { return value; });
}
inline F32x16 load(const float* p) {
  return map_f32([=](int i) { return p[i]; });
}
// The first `count` lanes (0..16); the others are zero.
inline F32x16 load_first(const float* p, int64_t count) {
  return map_f32([=](int i) { return i < count ? p[i] : 0.0f; });
}
inline void store(float* p, F32x16 a) {
  for (int i = 0; i < 16; ++i) p[i] = a.v[i];
}
inline void store_first(float* p, int64_t count, F32x16 a) {
  for (int i = 0; i < count; ++i) p[i] = a.v[i];
}
inline F32x16 add(F32x16 a, F32x16 b) {
  return map_f32([&](int i) { return a.v[i] + b.v[i]; });
}
inline F32x16 sub(F32x16 a, F32x16 b) {
  return map_f32([&](int i) { return a.v[i] - b.v[i]; });
}
inline F32x16 mul(F32x16 a, F32x16 b) {
  return map_f32([&](int i) { return a.v[i] * b.v[i]; });
}
inline F32x16 div(F32x16 a, F32x16 b) {
  return map_f32([&](int i) { return a.v[i] / b.v[i]; });
}
// a * b + c, rounded once.
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return map_f32([&](int i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
}
inline float fma_scalar(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
inline float sqrt_scalar(float a) {
  return __builtin_sqrtf(a);
}
// The second operand where the first is not a number.
inline F32x16 max(F32x16 a, F32x16 b) {
  return map_f32([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
inline F32x16 abs(F32x16 a) {
  return map_f32([&](int i) { return __builtin_fabsf(a.v[i]); });
}
// a < b ? x : y, lane by lane.
inline F32x16 select_less(F32x16 a, F32x16 b, F32x16 x, F32x16 y) {
  return map_f32([&](int i) { return a.v[i] < b.v[i] ? x.v[i] : y.v[i]; });
}
// Lanes begin <= i < end of a, the others of b.
inline F32x16 select_lanes(int64_t begin, int64_t end, F32x16 a, F32x16 b) {
  return map_f32([&](int i) { return i >= begin && i < end ? a.v[i] : b.v[i]; });
}
// The fixed tree: lane i + lane i + 8, then + 4, + 2, + 1.
inline float sum(F32x16 a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] += a.v[i + half];
  }
  return a.v[0];
}
inline float first_lane(F32x16 a) {
  return a.v[0];
}
inline float max_lane(F32x16 a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
  }
  return a.v[0];
}
// Even and odd elements of the 32 floats (a, b), and back.
inline void split_pairs(F32x16 a, F32x16 b, F32x16& even, F32x16& odd) {
  even = map_f32([&](int i) { return i < 8 ? a.v[2 * i] : b.v[2 * i - 16]; });
  odd = map_f32([&](int i) { return i < 8 ? a.v[2 * i + 1] : b.v[2 * i - 15]; });
}
inline void join_pairs(F32x16 even, F32x16 odd, F32x16& a, F32x16& b) {
  a = map_f32([&](int i) { return i % 2 == 0 ? even.v[i / 2] : odd.v[i / 2]; });
  b = map_f32([&](int i) { return i % 2 == 0 ? even.v[8 + i / 2] : odd.v[8 + i / 2]; });
}

// Half precision and bfloat16.
inline F32x16 load_halves(const uint16_t* p) {
  return map_f32([=](int i) { return float_from_half(p[i]); });
}
inline F32x16 load_halves_first(const uint16_t* p, int64_t count) {
  return map_f32([=](int i) { return i < count ? float_from_half(p[i]) : 0.0f; });
}
inline void store_halves(uint16_t* p, F32x16 a) {
  for (int i = 0; i < 16; ++i) p[i] = half_from_float(a.v[i]);
}
inline F32x16 load_bfloats(const uint16_t* p) {
  return map_f32([=](int i) { return float_from_bfloat16(p[i]); });
}
inline F32x16 load_bfloats_first(const uint16_t* p, int64_t count) {
  return map_f32([=](int i) { return i < count ? float_from_bfloat16(p[i]) : 0.0f; });
}
// Low 16 bits of each dword as half precision.
inline F32x16 halves_to_float(I32x16 a) {
  return map_f32([&](int i) { return float_from_half(static_cast<uint16_t>(a.v[i])); });
}

// Dwords.
inline I32x16 zero_i32() {
  return map_i32([](int) { return 0; });
}
inline I32x16 splat_i32(uint32_t value) {
  return map_i32([=](int) { return value; });
}
inline I32x16 load_i32(const void* p) {
  I32x16 result;
  __builtin_memcpy(result.v, p, 64);
  return result;
}
inline void store_i32(void* p, I32x16 a) {
  __builtin_memcpy(p, a.v, 64);
}
// The low byte of each dword.
inline void store_bytes(int8_t* p, I32x16 a) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(a.v[i] & 0xffu);
}
// Sixteen signed bytes, one per dword.
inline I32x16 load_bytes(const void* p) {
  int8_t bytes[16];
  __builtin_memcpy(bytes, p, 16);
  return map_i32([&](int i) { return bytes[i]; });
}
// Sixteen signed 16-bit words, one per dword.
inline I32x16 load_words(const void* p) {
  int16_t words[16];
  __builtin_memcpy(words, p, 32);
  return map_i32([&](int i) { return words[i]; });
}
// One dword in memory, in every lane; no alignment needed.
inline I32x16 splat_dword(const void* p) {
  uint32_t value;
  __builtin_memcpy(&value, p, 4);
  return splat_i32(value);
}
// Four times 16 bytes, one after the other.
inline I32x16 load_4x16(const void* a, const void* b, const void* c, const void* d) {
  I32x16 result;
  __builtin_memcpy(result.v, a, 16);
  __builtin_memcpy(result.v + 4, b, 16);
  __builtin_memcpy(result.v + 8, c, 16);
  __builtin_memcpy(result.v + 12, d, 16);
  return result;
}
// Within each group of four lanes: vector i, lane j becomes vector j, lane i.
inline void transpose4(I32x16 (&a)[4]) {
  for (int group = 0; group < 16; group += 4) {
    for (int i = 0; i < 4; ++i) {
      for (int j = i + 1; j < 4; ++j) {
        const uint32_t kept = a[i].v[group + j];
        a[i].v[group + j] = a[j].v[group + i];
        a[j].v[group + i] = kept;
      }
    }
  }
}
inline I32x16 bit_and(I32x16 a, I32x16 b) {
  return map_i32([&](int i) { return a.v[i] & b.v[i]; });
}
inline I32x16 bit_or(I32x16 a, I32x16 b) {
  return map_i32([&](int i) { return a.v[i] | b.v[i]; });
}
inline I32x16 bit_xor(I32x16 a, I32x16 b) {
  return map_i32([&](int i) { return a.v[i] ^ b.v[i]; });
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
  return map_i32([&](int i) { return static_cast<int32_t>(a.v[i]) >> count; });
}
// By a number that need not be known when this is compiled.
inline I32x16 shift_right_by(I32x16 a, int count) {
  return map_i32([&](int i) { return a.v[i] >> count; });
}
inline I32x16 add_i32(I32x16 a, I32x16 b) {
  return map_i32([&](int i) { return a.v[i] + b.v[i]; });
}
inline I32x16 sub_i32(I32x16 a, I32x16 b) {
  return map_i32([&](int i) { return a.v[i] - b.v[i]; });
}
inline I32x16 add_bytes(I32x16 a, I32x16 b) {
  return map_i32([&](int i) {
    const uint32_t low = (a.v[i] & 0x7f7f7f7fu) + (b.v[i] & 0x7f7f7f7fu);
    return low ^ ((a.v[i] ^ b.v[i]) & 0x80808080u);
  });
}
// Byte table[index] for each byte of `index`, all 0..15. The table is 16 bytes, four times over.
inline I32x16 look_up(I32x16 table, I32x16 index) {
  uint8_t bytes[64];
  uint8_t result[64];
  __builtin_memcpy(bytes, index.v, 64);
  for (int i = 0; i < 64; ++i)
    result[i] = static_cast<uint8_t>(table.v[bytes[i] / 4] >> (bytes[i] % 4 * 8));
  return load_i32(result);
}
// Dword `index` of an array, lane by lane.
inline I32x16 gather(const void* dwords, I32x16 index) {
  return map_i32([&](int i) {
    uint32_t value;
    __builtin_memcpy(&value, static_cast<const char*>(dwords) + 4 * size_t{index.v[i]}, 4);
    return value;
  });
}
inline F32x16 to_float(I32x16 a) {
  return map_f32([&](int i) { return static_cast<float>(static_cast<int32_t>(a.v[i])); });
}
// Rounds to nearest, ties to even; 0x80000000 for what does not fit.
inline I32x16 to_int(F32x16 a) {
  return map_i32([&](int i) {
    const bool fits = a.v[i] >= -2147483648.0f && a.v[i] < 2147483648.0f;
    return fits ? static_cast<int32_t>(__builtin_rintf(a.v[i])) : INT32_MIN;
  });
}
inline F32x16 bits_as_float(I32x16 a) {
  F32x16 result;
  __builtin_memcpy(result.v, a.v, 64);
  return result;
}
inline I32x16 float_as_bits(F32x16 a) {
  I32x16 result;
  __builtin_memcpy(result.v, a.v, 64);
  return result;
}

// sum + weight bytes . x bytes per dword. Weights are unsigned, at most 127; x is signed,
// -127..127.
inline I32x16 dot_unsigned(I32x16 sum_, I32x16 weights, I32x16 x) {
  return map_i32([&](int i) {
    int32_t dot = static_cast<int32_t>(sum_.v[i]);
    for (int shift = 0; shift < 32; shift += 8) {
      dot += static_cast<uint8_t>(weights.v[i] >> shift) * static_cast<int8_t>(x.v[i] >> shift);
    }
    return dot;
  });
}
// The same for signed weights that were stored with signed_bias added to each byte. The caller
// starts the sum at -signed_bias * (sum of x), which makes the result exact.
inline I32x16 dot_signed(I32x16 sum_, I32x16 weights, I32x16 x) {
  return map_i32([&](int i) {
    int32_t dot = static_cast<int32_t>(sum_.v[i]);
    for (int shift = 0; shift < 32; shift += 8) {
      dot += static_cast<int8_t>(weights.v[i] >> shift) * static_cast<int8_t>(x.v[i] >> shift);
    }
    return dot;
  });
}
// sum + a.low * b.low + a.high * b.high, int16 halves of each dword.
inline I32x16 dot_pairs(I32x16 sum_, I32x16 a, I32x16 b) {
  return map_i32([&](int i) {
    const int32_t low = static_cast<int16_t>(a.v[i]) * static_cast<int16_t>(b.v[i]);
    const int32_t high = static_cast<int16_t>(a.v[i] >> 16) * static_cast<int16_t>(b.v[i] >> 16);
    return static_cast<int32_t>(sum_.v[i]) + low + high;
  });
}

// Into the second-level cache, into the first.
inline void prefetch(const void*) {}
inline void prefetch_near(const void*) {}
