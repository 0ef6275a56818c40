// exp and tanh by polynomials, 16 at a time; relative error below 2e-7 (docs/numerics.md).
// Coefficients: the minimax polynomials of the Cephes library for single precision.
#pragma once

// 0 below -87, infinity above 88, exactly 1 at 0; NaN stays NaN.
inline F32x16 exp_f32(F32x16 x) {
  const I32x16 n = to_int(mul(x, splat(1.44269504088896341f)));
  const F32x16 whole = to_float(n);
  // ln 2 in two parts, so that the remainder keeps its low bits.
  F32x16 r = fma(whole, splat(-0.693359375f), x);
  r = fma(whole, splat(2.12194440e-4f), r);
  F32x16 y = splat(1.9875691500e-4f);
  y = fma(y, r, splat(1.3981999507e-3f));
  y = fma(y, r, splat(8.3334519073e-3f));
  y = fma(y, r, splat(4.1665795894e-2f));
  y = fma(y, r, splat(1.6666665459e-1f));
  y = fma(y, r, splat(5.0000001201e-1f));
  y = add(fma(y, mul(r, r), r), splat(1.0f));
  const F32x16 power = bits_as_float(shift_left<23>(add_i32(n, splat_i32(127))));
  y = mul(y, power);
  y = select_less(x, splat(-87.0f), zero_f32(), y);
  return select_less(splat(88.0f), x, splat(__builtin_inff()), y);
}

inline float exp_scalar(float x) {
  return first_lane(exp_f32(splat(x)));
}

inline F32x16 tanh_f32(F32x16 x) {
  const F32x16 magnitude = abs(x);
  const F32x16 square = mul(x, x);
  F32x16 small = splat(-5.70498872745e-3f);
  small = fma(small, square, splat(2.06390887954e-2f));
  small = fma(small, square, splat(-5.37397155531e-2f));
  small = fma(small, square, splat(1.33314422036e-1f));
  small = fma(small, square, splat(-3.33332819422e-1f));
  small = fma(mul(small, square), x, x);
  const F32x16 doubled = add(magnitude, magnitude);
  const F32x16 large = sub(splat(1.0f), div(splat(2.0f), add(exp_f32(doubled), splat(1.0f))));
  const F32x16 signed_large = select_less(x, zero_f32(), sub(zero_f32(), large), large);
  return select_less(magnitude, splat(0.625f), small, signed_large);
}

inline F32x16 sigmoid_f32(F32x16 x) {
  return div(splat(1.0f), add(splat(1.0f), exp_f32(sub(zero_f32(), x))));
}
