// Columns as the prompt role reads them on tables with tiles (docs/numerics.md): rows of the tile
// unit's first operand, so plain bytes or bf16 side by side.
#pragma once

// Values that share a scale, of columns and of weights: scaling what the tile unit gives costs as
// much as 256 multiplications more.
constexpr int64_t prompt_block = 512;

// An int8 column: a bit per block that is guarded, a scale per block, then q of all blocks from a
// multiple of 64 bytes on, then the low parts of the guarded blocks (nothing is written elsewhere).
struct GuardedColumn {
  uint8_t* data;
  int64_t block_count;

  int64_t mask_words() const { return (block_count + 63) / 64; }
  int64_t head_bytes() const { return (8 * mask_words() + 4 * block_count + 63) / 64 * 64; }
  int64_t size_bytes() const { return head_bytes() + 2 * prompt_block * block_count; }

  uint64_t* guarded() const { return reinterpret_cast<uint64_t*>(data); }
  float* scales() const { return reinterpret_cast<float*>(data + 8 * mask_words()); }
  int8_t* q(int64_t block) const {
    return reinterpret_cast<int8_t*>(data + head_bytes()) + prompt_block * block;
  }
  int8_t* low(int64_t block) const { return q(block_count + block); }
};

inline int64_t guarded_column_bytes(int64_t width) {
  return GuardedColumn{nullptr, (width + prompt_block - 1) / prompt_block}.size_bytes();
}

// A block whose largest value is more than this many times its root mean square gets a low part.
constexpr float guard_ratio = 8.0f;

// Returns the block's scale and whether it is guarded.
inline float quantize_guarded_block(const float* x, int64_t count, int8_t* q, int8_t* low,
                                    bool& is_guarded) {
  F32x16 values[prompt_block / 16];
  F32x16 largest = zero_f32();
  F32x16 squares = zero_f32();
  for (int i = 0; i < prompt_block / 16; ++i) {
    const int64_t left = count - 16 * i;
    values[i] = left >= 16 ? load(x + 16 * i)
                : left > 0 ? load_first(x + 16 * i, left)
                           : zero_f32();
    largest = max(abs(values[i]), largest);
    squares = fma(values[i], values[i], squares);
  }
  const float magnitude = max_lane(largest);
  const bool is_zero = magnitude < 0x1p-100f;
  const float scale_ = is_zero ? 0.0f : magnitude / 127.0f;
  const F32x16 factor = splat(is_zero ? 0.0f : 127.0f / magnitude);
  is_guarded = magnitude * magnitude > guard_ratio * guard_ratio / prompt_block * sum(squares);
  const F32x16 low_factor = splat(is_zero ? 0.0f : 256.0f * 127.0f / magnitude);
  const F32x16 negated_scale = splat(-scale_);
  for (int i = 0; i < prompt_block / 16; ++i) {
    const I32x16 rounded = to_int(mul(values[i], factor));
    store_bytes(q + 16 * i, rounded);
    if (!is_guarded) continue;
    const F32x16 error = fma(negated_scale, to_float(rounded), values[i]);
    const I32x16 rest = to_int(mul(error, low_factor));
    // Half a step is 128, one more than a byte holds.
    store_bytes(low + 16 * i, {_mm512_min_epi32(rest.v, _mm512_set1_epi32(127))});
  }
  return scale_;
}

inline void quantize_guarded(const float* x, int64_t width, void* column) {
  const GuardedColumn out{static_cast<uint8_t*>(column), (width + prompt_block - 1) / prompt_block};
  for (int64_t word = 0; word < out.mask_words(); ++word) out.guarded()[word] = 0;
  for (int64_t block = 0; block < out.block_count; ++block) {
    const int64_t left = width - prompt_block * block;
    bool is_guarded = false;
    out.scales()[block] =
        quantize_guarded_block(x + prompt_block * block, left < prompt_block ? left : prompt_block,
                               out.q(block), out.low(block), is_guarded);
    if (is_guarded) out.guarded()[block / 64] |= uint64_t{1} << (block % 64);
  }
}

// A bf16 column: the values rounded to nearest even, then zeros up to a multiple of 32.
inline int64_t bfloat_column_bytes(int64_t width) {
  return (width + 31) / 32 * 64;
}

// Of 16 lanes each: `low` in the low halves of the lanes' dwords, `high` in the high ones.
inline I32x16 pair_bfloats(F32x16 low, F32x16 high) {
  const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high.v, low.v);
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return {_mm512_permutexvar_epi16(order, both)};
}

inline void round_to_bfloats(const float* x, int64_t width, void* column) {
  auto* out = static_cast<uint8_t*>(column);
  for (int64_t k = 0; k < width; k += 32, out += 64) {
    const auto part = [&](int64_t first) {
      const int64_t left = width - first;
      return left >= 16 ? load(x + first) : left > 0 ? load_first(x + first, left) : zero_f32();
    };
    _mm512_storeu_si512(out, (__m512i)_mm512_cvtne2ps_pbh(part(k + 16).v, part(k).v));
  }
}
