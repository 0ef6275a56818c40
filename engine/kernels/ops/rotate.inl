// The rotation of heads in a cache of q4_0 (docs/numerics.md, "Attention"): a Walsh-Hadamard
// transform, which spreads what stands out over its whole block. It is its own inverse.
#pragma once

// Values that are rotated together: the largest power of two that divides the head.
constexpr int64_t rotated_values(int64_t dim) {
  return dim & -dim;
}

// Sums and differences of neighbours, five times over 32 values. Each time the sums go to the front
// and the differences behind them, so after five times all are where they were.
inline void rotate_32(float* x) {
  F32x16 low = load(x);
  F32x16 high = load(x + 16);
  for (int level = 0; level < 5; ++level) {
    F32x16 even;
    F32x16 odd;
    split_pairs(low, high, even, odd);
    low = add(even, odd);
    high = sub(even, odd);
  }
  store(x, low);
  store(x + 16, high);
}

inline void rotate_block(float* x, int64_t count) {
  for (int64_t i = 0; i < count; i += 32) rotate_32(x + i);
  for (int64_t apart = 32; apart < count; apart *= 2) {
    for (int64_t first = 0; first < count; first += 2 * apart) {
      for (int64_t i = first; i < first + apart; i += 16) {
        const F32x16 a = load(x + i);
        const F32x16 b = load(x + i + apart);
        store(x + i, add(a, b));
        store(x + i + apart, sub(a, b));
      }
    }
  }
  const F32x16 factor = splat(1.0f / sqrt_scalar(static_cast<float>(count)));
  for (int64_t i = 0; i < count; i += 16) store(x + i, mul(load(x + i), factor));
}

// One head of `dim` values, a multiple of 32, in place.
inline void rotate_head(float* x, int64_t dim) {
  const int64_t count = rotated_values(dim);
  for (int64_t i = 0; i < dim; i += count) rotate_block(x + i, count);
}

// The same of a copy.
inline void rotate_head(const float* x, int64_t dim, float* rotated) {
  __builtin_memcpy(rotated, x, static_cast<size_t>(dim) * sizeof(float));
  rotate_head(rotated, dim);
}
