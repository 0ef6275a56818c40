// Inside of a cache page: one KV head of 32 tokens. Keys lie transposed, so that in attention lanes
// are keys and no sum crosses lanes; values lie token by token.
//   f32, f16    keys [key_dim][32 tokens], values [32 tokens][value_dim rounded up to 16]
//   q8_0, q4_0  keys [key_dim / 32 blocks][rows][32 tokens], their scales [blocks][32 tokens],
//               values [32 tokens][value_dim / 32 blocks][rows], their scales [32 tokens][blocks];
//               a row of q8_0 is one byte, a row of q4_0 has dimension i of the block in its low
//               and i + 16 in its high nibble. So tokens share no byte and threads may store them.
// Keys and values of q4_0 are rotated before they are rounded (ops/rotate.inl): attention rotates
// its queries as well and what it adds up back again.
#pragma once

#include "engine/kernels/ops/elementwise.inl"
#include "engine/kernels/ops/rotate.inl"

constexpr int64_t padded_dim(int64_t dim) {
  return (dim + 15) / 16 * 16;
}

constexpr bool is_quantized(KvType type) {
  return type == KvType::q8_0 || type == KvType::q4_0;
}

constexpr bool is_rotated(KvType type) {
  return type == KvType::q4_0;
}

// Where the parts of a quantised head are, in bytes from its begin.
struct QuantizedHead {
  int64_t rows;  // bytes per block of 32
  int64_t key_blocks, value_blocks;
  int64_t key_scales, values, value_scales, size;

  explicit QuantizedHead(const KvHeadShape& shape)
      : rows(shape.type == KvType::q8_0 ? kv_block_values : kv_block_values / 2),
        key_blocks(shape.key_dim / kv_block_values),
        value_blocks(shape.value_dim / kv_block_values) {
    key_scales = key_blocks * rows * page_tokens;
    values = key_scales + key_blocks * page_tokens * 2;
    value_scales = values + value_blocks * rows * page_tokens;
    size = value_scales + value_blocks * page_tokens * 2;
  }
};

inline int64_t kv_head_bytes(const KvHeadShape& shape) noexcept {
  if (is_quantized(shape.type)) return QuantizedHead(shape).size;
  const int64_t element = shape.type == KvType::f16 ? 2 : 4;
  return (shape.key_dim + padded_dim(shape.value_dim)) * page_tokens * element;
}

inline void store_kv_f32(const KvHeadShape& shape, const float* key, const float* value,
                         int64_t slot, float* page) {
  for (int64_t i = 0; i < shape.key_dim; ++i) page[i * page_tokens + slot] = key[i];
  const int64_t width = padded_dim(shape.value_dim);
  float* row = page + shape.key_dim * page_tokens + slot * width;
  for (int64_t i = 0; i < width; i += 16) {
    const int64_t left = shape.value_dim - i;
    store(row + i, load_first(value + i, left < 16 ? left : 16));
  }
}

inline void store_kv_f16(const KvHeadShape& shape, const float* key, const float* value,
                         int64_t slot, uint16_t* page) {
  for (int64_t i = 0; i < shape.key_dim; i += 16) {
    const int64_t count = shape.key_dim - i < 16 ? shape.key_dim - i : 16;
    uint16_t halves[16];
    store_halves(halves, load_first(key + i, count));
    for (int64_t j = 0; j < count; ++j) page[(i + j) * page_tokens + slot] = halves[j];
  }
  const int64_t width = padded_dim(shape.value_dim);
  uint16_t* row = page + shape.key_dim * page_tokens + slot * width;
  for (int64_t i = 0; i < width; i += 16) {
    const int64_t left = shape.value_dim - i;
    store_halves(row + i, load_first(value + i, left < 16 ? left : 16));
  }
}

// Codes of 32 values into `rows` bytes; the scale. Both as docs/numerics.md has them.
inline uint16_t quantize_q8(const float* x, int8_t* codes) {
  const F32x16 low = load(x);
  const F32x16 high = load(x + 16);
  const float magnitude = max_lane(max(abs(high), max(abs(low), zero_f32())));
  const bool is_zero = magnitude < 0x1p-100f;
  const F32x16 factor = splat(is_zero ? 0.0f : 127.0f / magnitude);
  store_bytes(codes, to_int(mul(low, factor)));
  store_bytes(codes + 16, to_int(mul(high, factor)));
  const float scale = is_zero ? 0.0f : magnitude / 127.0f;
  return half_from_float(scale < 65504.0f ? scale : 65504.0f);
}

// min(value * factor, 7) + 8 as integers 0 .. 15.
inline I32x16 nibble_codes(F32x16 x, F32x16 factor) {
  const F32x16 negated = max(sub(zero_f32(), mul(x, factor)), splat(-7.0f));
  return bit_and(add_i32(to_int(sub(zero_f32(), negated)), splat_i32(8)), splat_i32(15));
}

inline uint16_t quantize_q4(const float* x, int8_t* codes) {
  const F32x16 low = load(x);
  const F32x16 high = load(x + 16);
  const float largest = max_lane(max(high, low));
  const float smallest = -max_lane(max(sub(zero_f32(), high), sub(zero_f32(), low)));
  // The value largest in size becomes -8, the one code without a positive counterpart.
  const float extreme = largest > -smallest ? largest : smallest;
  const bool is_zero = __builtin_fabsf(extreme) < 0x1p-100f;
  const F32x16 factor = splat(is_zero ? 0.0f : -8.0f / extreme);
  store_bytes(codes, bit_or(nibble_codes(low, factor), shift_left<4>(nibble_codes(high, factor))));
  const float scale = is_zero ? 0.0f : extreme / -8.0f;
  return half_from_float(scale < -65504.0f ? -65504.0f : scale < 65504.0f ? scale : 65504.0f);
}

inline void store_kv_quantized(const KvHeadShape& shape, const float* key, const float* value,
                               int64_t slot, int8_t* page) {
  const QuantizedHead head(shape);
  const auto quantize_32 = shape.type == KvType::q8_0 ? quantize_q8 : quantize_q4;
  int8_t codes[kv_block_values];
  for (int64_t block = 0; block < head.key_blocks; ++block) {
    const uint16_t scale = quantize_32(key + block * kv_block_values, codes);
    int8_t* rows = page + block * head.rows * page_tokens + slot;
    for (int64_t i = 0; i < head.rows; ++i) rows[i * page_tokens] = codes[i];
    __builtin_memcpy(page + head.key_scales + (block * page_tokens + slot) * 2, &scale, 2);
  }
  for (int64_t block = 0; block < head.value_blocks; ++block) {
    const uint16_t scale = quantize_32(value + block * kv_block_values, codes);
    const int64_t at = slot * head.value_blocks + block;
    __builtin_memcpy(page + head.values + at * head.rows, codes, static_cast<size_t>(head.rows));
    __builtin_memcpy(page + head.value_scales + at * 2, &scale, 2);
  }
}

inline void store_kv_rotated(const KvHeadShape& shape, const float* key, const float* value,
                             int64_t slot, int8_t* page) {
  alignas(64) float keys[attention_dim_max];
  alignas(64) float values[attention_dim_max];
  rotate_head(key, shape.key_dim, keys);
  rotate_head(value, shape.value_dim, values);
  store_kv_quantized(shape, keys, values, slot, page);
}

inline void store_kv(const KvHeadShape& shape, const float* key, const float* value, int64_t slot,
                     void* page_head) noexcept {
  if (is_rotated(shape.type)) {
    store_kv_rotated(shape, key, value, slot, static_cast<int8_t*>(page_head));
  } else if (shape.type == KvType::f16) {
    store_kv_f16(shape, key, value, slot, static_cast<uint16_t*>(page_head));
  } else if (is_quantized(shape.type)) {
    store_kv_quantized(shape, key, value, slot, static_cast<int8_t*>(page_head));
  } else {
    store_kv_f32(shape, key, value, slot, static_cast<float*>(page_head));
  }
}

// Tokens of a page: begin <= token < end.
struct TokenRange {
  int64_t begin, end;
  bool empty() const { return begin >= end; }
};

// One page as floats: [key_dim][page_tokens] and [page_tokens][padded value_dim].
struct PageFloats {
  const float* keys;
  const float* values;
};
struct PageBuffers {
  float* keys;
  float* values;
};

// Fetches a part of the next page ahead while the same part of this one is read; null: there is
// none.
struct NextPage {
  const std::byte* bytes;
  void fetch(int64_t begin, int64_t count) const {
    if (bytes == nullptr) return;
    for (int64_t at = begin / 64 * 64; at < begin + count; at += 64) prefetch_near(bytes + at);
  }
};

// Sixteen codes of q4_0 as floats.
inline F32x16 nibble_floats(I32x16 nibbles) {
  return to_float(sub_i32(bit_and(nibbles, splat_i32(15)), splat_i32(8)));
}

inline void read_q8_page(const int8_t* page, const QuantizedHead& head, TokenRange seen,
                         NextPage next, const PageBuffers& out) {
  const int64_t half_bytes = head.rows * page_tokens / 2;
  next.fetch(head.key_scales, head.values - head.key_scales);
  for (int64_t block = 0; block < head.key_blocks; ++block) {
    for (int64_t half = 0; half < 2; ++half) {
      next.fetch((2 * block + half) * half_bytes, half_bytes);
      const int64_t token = 16 * half;
      uint16_t scales[16];
      __builtin_memcpy(scales, page + head.key_scales + (block * page_tokens + token) * 2, 32);
      const F32x16 scale = load_halves(scales);
      for (int64_t i = 0; i < kv_block_values; ++i) {
        const int64_t at = (block * kv_block_values + i) * page_tokens + token;
        store(out.keys + at, mul(to_float(load_bytes(page + at)), scale));
      }
    }
  }
  next.fetch(head.value_scales, head.size - head.value_scales);
  for (int64_t i = seen.begin * head.value_blocks; i < seen.end * head.value_blocks; ++i) {
    if (i % 2 == 0) next.fetch(head.values + i * head.rows, 2 * head.rows);
    uint16_t bits;
    __builtin_memcpy(&bits, page + head.value_scales + 2 * i, 2);
    const F32x16 scale = splat(float_from_half(bits));
    const int8_t* codes = page + head.values + i * kv_block_values;
    float* values = out.values + i * kv_block_values;
    store(values, mul(to_float(load_bytes(codes)), scale));
    store(values + 16, mul(to_float(load_bytes(codes + 16)), scale));
  }
}

inline void read_q4_page(const int8_t* page, const QuantizedHead& head, TokenRange seen,
                         NextPage next, const PageBuffers& out) {
  const int64_t half_bytes = head.rows * page_tokens / 2;
  next.fetch(head.key_scales, head.values - head.key_scales);
  for (int64_t block = 0; block < head.key_blocks; ++block) {
    for (int64_t half = 0; half < 2; ++half) {
      next.fetch((2 * block + half) * half_bytes, half_bytes);
      const int64_t token = 16 * half;
      uint16_t scales[16];
      __builtin_memcpy(scales, page + head.key_scales + (block * page_tokens + token) * 2, 32);
      const F32x16 scale = load_halves(scales);
      for (int64_t i = 0; i < head.rows; ++i) {
        const I32x16 pair = load_bytes(page + (block * head.rows + i) * page_tokens + token);
        float* key = out.keys + (block * kv_block_values + i) * page_tokens + token;
        store(key, mul(nibble_floats(pair), scale));
        store(key + 16 * page_tokens, mul(nibble_floats(shift_right<4>(pair)), scale));
      }
    }
  }
  next.fetch(head.value_scales, head.size - head.value_scales);
  for (int64_t i = seen.begin * head.value_blocks; i < seen.end * head.value_blocks; ++i) {
    if (i % 2 == 0) next.fetch(head.values + i * head.rows, 2 * head.rows);
    uint16_t bits;
    __builtin_memcpy(&bits, page + head.value_scales + 2 * i, 2);
    const F32x16 scale = splat(float_from_half(bits));
    const I32x16 pair = load_bytes(page + head.values + i * head.rows);
    float* values = out.values + i * kv_block_values;
    store(values, mul(nibble_floats(pair), scale));
    store(values + 16, mul(nibble_floats(shift_right<4>(pair)), scale));
  }
}

// Values of the tokens in `seen` only. Pages of floats are used where they lie.
inline PageFloats page_floats(const KvHeadShape& shape, const void* page, const void* next_page,
                              TokenRange seen, const PageBuffers& out) {
  const int64_t key_count = shape.key_dim * page_tokens;
  const int64_t width = padded_dim(shape.value_dim);
  if (shape.type == KvType::f32) {
    const float* floats = static_cast<const float*>(page);
    return {floats, floats + key_count};
  }
  const NextPage next{static_cast<const std::byte*>(next_page)};
  if (shape.type == KvType::q8_0) {
    read_q8_page(static_cast<const int8_t*>(page), QuantizedHead(shape), seen, next, out);
  } else if (shape.type == KvType::q4_0) {
    read_q4_page(static_cast<const int8_t*>(page), QuantizedHead(shape), seen, next, out);
  } else {
    const uint16_t* halves = static_cast<const uint16_t*>(page);
    for (int64_t i = 0; i < key_count; i += 16) {
      if (i % 32 == 0) next.fetch(2 * i, 64);
      store(out.keys + i, load_halves(halves + i));
    }
    for (int64_t i = seen.begin * width; i < seen.end * width; i += 16) {
      if (i % 32 == 0) next.fetch(2 * (key_count + i), 64);
      store(out.values + i, load_halves(halves + key_count + i));
    }
  }
  return {out.keys, out.values};
}
