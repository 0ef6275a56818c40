// Element by element: gates, sums, scaling, soft cap; and rms_norm and rope.
#pragma once

#include "engine/kernels/ops/math.inl"

template <class Function>
inline void map_values(const float* a, int64_t count, float* y, Function function) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) store(y + i, function(load(a + i)));
  if (i < count) store_first(y + i, count - i, function(load_first(a + i, count - i)));
}

template <class Function>
inline void map_values(const float* a, const float* b, int64_t count, float* y, Function function) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) store(y + i, function(load(a + i), load(b + i)));
  if (i < count) {
    store_first(y + i, count - i,
                function(load_first(a + i, count - i), load_first(b + i, count - i)));
  }
}

inline F32x16 silu_f32(F32x16 x) {
  return mul(x, sigmoid_f32(x));
}

// x / 2 * (1 + tanh(u)) is x * sigmoid(2 u).
inline F32x16 gelu_tanh_f32(F32x16 x) {
  const F32x16 cubic = mul(mul(x, x), x);
  const F32x16 u = fma(cubic, splat(0.044715f), x);
  return mul(x, sigmoid_f32(mul(u, splat(1.5957691216057308f))));
}

// The gate's half of it; the other factor is clamp(b, -7, 7) + 1.
inline F32x16 clamped_swish_f32(F32x16 x) {
  const F32x16 low = select_less(splat(7.0f), x, splat(7.0f), x);
  return mul(low, sigmoid_f32(mul(low, splat(1.702f))));
}

inline F32x16 clamped_swiglu_f32(F32x16 x, F32x16 up) {
  const F32x16 low = select_less(splat(7.0f), up, splat(7.0f), up);
  const F32x16 clamped = select_less(low, splat(-7.0f), splat(-7.0f), low);
  return mul(clamped_swish_f32(x), add(clamped, splat(1.0f)));
}

inline F32x16 relu_squared_f32(F32x16 x) {
  const F32x16 positive = max(x, zero_f32());
  return mul(positive, positive);
}

inline void activate(GateKind kind, const float* a, int64_t count, float* y) {
  switch (kind) {
    case GateKind::silu:
      map_values(a, count, y, [](F32x16 x) { return silu_f32(x); });
      break;
    case GateKind::gelu_tanh:
      map_values(a, count, y, [](F32x16 x) { return gelu_tanh_f32(x); });
      break;
    case GateKind::clamped_swiglu:
      map_values(a, count, y, [](F32x16 x) { return clamped_swish_f32(x); });
      break;
    case GateKind::relu_squared:
      map_values(a, count, y, [](F32x16 x) { return relu_squared_f32(x); });
      break;
  }
}

inline void gate(GateKind kind, const float* a, const float* b, int64_t count, float* y) noexcept {
  if (b == nullptr) return activate(kind, a, count, y);
  switch (kind) {
    case GateKind::silu:
      map_values(a, b, count, y, [](F32x16 x, F32x16 up) { return mul(silu_f32(x), up); });
      break;
    case GateKind::gelu_tanh:
      map_values(a, b, count, y, [](F32x16 x, F32x16 up) { return mul(gelu_tanh_f32(x), up); });
      break;
    case GateKind::clamped_swiglu:
      map_values(a, b, count, y, [](F32x16 x, F32x16 up) { return clamped_swiglu_f32(x, up); });
      break;
    case GateKind::relu_squared:
      map_values(a, b, count, y, [](F32x16 x, F32x16 up) { return mul(relu_squared_f32(x), up); });
      break;
  }
}

inline void add_values(const float* a, const float* b, int64_t count, float* y) noexcept {
  map_values(a, b, count, y, [](F32x16 x, F32x16 z) { return add(x, z); });
}

inline void scale_values(const float* a, float factor, int64_t count, float* y) noexcept {
  const F32x16 factors = splat(factor);
  map_values(a, count, y, [=](F32x16 x) { return mul(x, factors); });
}

inline void add_scaled(const float* x, float factor, int64_t count, float* y) noexcept {
  const F32x16 factors = splat(factor);
  map_values(x, y, count, y, [=](F32x16 value, F32x16 sum) { return fma(factors, value, sum); });
}

// exp(x - max) to y; returns their sum. A missing tail counts as zero.
inline float exp_values(const float* x, float max, int64_t count, float* y) {
  const F32x16 largest = splat(max);
  F32x16 sums = zero_f32();
  for (int64_t i = 0; i < count; i += 16) {
    const int64_t left = count - i < 16 ? count - i : 16;
    const F32x16 value = exp_f32(sub(load_first(x + i, left), largest));
    sums = add(sums, select_lanes(0, left, value, zero_f32()));
    store_first(y + i, left, value);
  }
  return sum(sums);
}

inline void softmax(const float* x, int64_t count, float* y) noexcept {
  float max = x[0];
  for (int64_t i = 1; i < count; ++i) max = x[i] > max ? x[i] : max;
  scale_values(y, 1.0f / exp_values(x, max, count, y), count, y);
}

inline F32x16 soft_cap_f32(F32x16 x, F32x16 cap) {
  return mul(cap, tanh_f32(div(x, cap)));
}

inline void soft_cap_values(const float* a, float cap, int64_t count, float* y) noexcept {
  const F32x16 caps = splat(cap);
  map_values(a, count, y, [=](F32x16 x) { return soft_cap_f32(x, caps); });
}

inline void rms_norm(const float* x, const float* weight, int64_t width, float eps,
                     float* y) noexcept {
  F32x16 squares = zero_f32();
  int64_t i = 0;
  for (; i + 16 <= width; i += 16) {
    const F32x16 value = load(x + i);
    squares = fma(value, value, squares);
  }
  if (i < width) {
    const F32x16 value = load_first(x + i, width - i);
    squares = fma(value, value, squares);
  }
  const F32x16 factor = splat(1.0f / sqrt_scalar(sum(squares) / static_cast<float>(width) + eps));
  if (weight != nullptr) {
    map_values(x, weight, width, y,
               [=](F32x16 value, F32x16 w) { return mul(mul(value, factor), w); });
  } else {
    map_values(x, width, y, [=](F32x16 value) { return mul(value, factor); });
  }
}

inline float sum_values(const float* x, int64_t width) {
  F32x16 sums = zero_f32();
  int64_t i = 0;
  for (; i + 16 <= width; i += 16) sums = add(sums, load(x + i));
  if (i < width) sums = add(sums, load_first(x + i, width - i));
  return sum(sums);
}

inline void layer_norm(const float* x, const float* weight, const float* bias, int64_t width,
                       float eps, float* y) noexcept {
  const F32x16 mean = splat(sum_values(x, width) / static_cast<float>(width));
  F32x16 squares = zero_f32();
  int64_t i = 0;
  for (; i + 16 <= width; i += 16) {
    const F32x16 value = sub(load(x + i), mean);
    squares = fma(value, value, squares);
  }
  if (i < width) {
    const int64_t left = width - i;
    const F32x16 value = select_lanes(0, left, sub(load_first(x + i, left), mean), zero_f32());
    squares = fma(value, value, squares);
  }
  const F32x16 factor = splat(1.0f / sqrt_scalar(sum(squares) / static_cast<float>(width) + eps));
  if (weight != nullptr) {
    map_values(x, weight, width, y,
               [=](F32x16 value, F32x16 w) { return mul(mul(sub(value, mean), factor), w); });
  } else {
    map_values(x, width, y, [=](F32x16 value) { return mul(sub(value, mean), factor); });
  }
  if (bias != nullptr) add_values(y, bias, width, y);
}

// (a, b) rotated by the angle: a * cos - b * sin, a * sin + b * cos.
inline void rotate(F32x16 cosine, F32x16 sine, F32x16& a, F32x16& b) {
  const F32x16 rotated = fma(a, cosine, sub(zero_f32(), mul(b, sine)));
  b = fma(a, sine, mul(b, cosine));
  a = rotated;
}

// Rotates `count` (at most 16) pairs; `second` is where the second halves of the pairs stand, or
// null where they stand beside the first.
inline void rotate_pairs(const float* cos_sin, int64_t count, float* first, float* second) {
  const int64_t low = count < 8 ? 2 * count : 16;
  const int64_t high = 2 * count - low;
  F32x16 cosine, sine, a, b;
  split_pairs(load_first(cos_sin, low), load_first(cos_sin + low, high), cosine, sine);
  if (second != nullptr) {
    a = load_first(first, count);
    b = load_first(second, count);
    rotate(cosine, sine, a, b);
    store_first(first, count, a);
    store_first(second, count, b);
  } else {
    split_pairs(load_first(first, low), load_first(first + low, high), a, b);
    rotate(cosine, sine, a, b);
    F32x16 front, back;
    join_pairs(a, b, front, back);
    store_first(first, low, front);
    store_first(first + low, high, back);
  }
}

inline void rope(float* head, const float* cos_sin, int64_t pair_count, RopeStyle style) noexcept {
  for (int64_t i = 0; i < pair_count; i += 16) {
    const int64_t count = pair_count - i < 16 ? pair_count - i : 16;
    if (style == RopeStyle::adjacent) {
      rotate_pairs(cos_sin + 2 * i, count, head + 2 * i, nullptr);
    } else {
      rotate_pairs(cos_sin + 2 * i, count, head + i, head + pair_count + i);
    }
  }
}
