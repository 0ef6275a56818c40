// Encoding looks for the scale (and offset) of each sub-block that makes the weighted square error
// small: for a range of trial scales the codes are rounded, then scale and offset are solved for
// those codes by least squares, and the best pair is kept. Large values weigh more, because they
// contribute more to a product. The pairs found are then rounded to the integers the block stores
// (trying neighbours too), and the codes are rounded once more against what a reader multiplies
// with.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/tensor/block_codec.h"
#include "engine/tensor/half.h"

namespace hearth::engine {
namespace {

constexpr int block_values = 256;
constexpr int sub_values = 32;  // of Q4_K and Q5_K
constexpr int sub_count = block_values / sub_values;
constexpr int group_values = 16;  // of Q6_K
constexpr int group_count = block_values / group_values;

float nearest_code(float value, float low, float high) {
  return std::clamp(std::nearbyint(value), low, high);
}

// value = scale * code - offset, both not negative.
struct ScaleOffset {
  float scale = 0.0f;
  float offset = 0.0f;
};

// Sums over one sub-block for the codes of a trial.
struct FitSums {
  double w = 0, wq = 0, wqq = 0, wx = 0, wqx = 0;
};

FitSums sums_for(const float* x, const float* weights, const float* codes) {
  FitSums sums;
  for (int i = 0; i < sub_values; ++i) {
    const double w = weights[i];
    const double q = codes[i];
    sums.w += w;
    sums.wq += w * q;
    sums.wqq += w * q * q;
    sums.wx += w * x[i];
    sums.wqx += w * q * x[i];
  }
  return sums;
}

// Least squares for fixed codes; an offset that would be negative becomes zero, as the format has
// no sign for it.
ScaleOffset solve(const FitSums& sums) {
  const double determinant = sums.w * sums.wqq - sums.wq * sums.wq;
  if (!(determinant > 0)) return {};
  const double scale = (sums.w * sums.wqx - sums.wq * sums.wx) / determinant;
  const double offset = (sums.wq * sums.wqx - sums.wqq * sums.wx) / determinant;
  if (offset >= 0) return {static_cast<float>(scale), static_cast<float>(offset)};
  return {static_cast<float>(sums.wqx / sums.wqq), 0.0f};
}

double weighted_error(const float* x, const float* weights, const float* codes, ScaleOffset fit) {
  double error = 0;
  for (int i = 0; i < sub_values; ++i) {
    const double difference = static_cast<double>(fit.scale) * codes[i] - fit.offset - x[i];
    error += weights[i] * difference * difference;
  }
  return error;
}

// The best scale and offset of 32 values with codes 0..code_max.
ScaleOffset fit_sub_block(const float* x, const float* weights, float code_max) {
  const float low = std::min(0.0f, *std::min_element(x, x + sub_values));
  const float high = *std::max_element(x, x + sub_values);
  const float range = high - low;
  if (!(range > 1e-30f)) return {0.0f, -low};
  if (!std::isfinite(range)) return {high / code_max - low / code_max, -low};
  ScaleOffset best{range / code_max, -low};
  double best_error = INFINITY;
  std::array<float, sub_values> codes;
  for (int trial = -1; trial <= 24; ++trial) {
    // Trial -1 is the plain range; the others stretch it from code_max - 1 to code_max + 1.4 steps.
    const float steps = trial < 0 ? code_max : code_max - 1.0f + 0.1f * static_cast<float>(trial);
    const float inverse = steps / range;
    for (int i = 0; i < sub_values; ++i)
      codes[static_cast<size_t>(i)] = nearest_code(inverse * (x[i] - low), 0.0f, code_max);
    const ScaleOffset fit = solve(sums_for(x, weights, codes.data()));
    if (!(fit.scale > 0.0f)) continue;
    const double error = weighted_error(x, weights, codes.data(), fit);
    if (error < best_error) {
      best_error = error;
      best = fit;
    }
  }
  return best;
}

// Root mean square of the sub-block plus the size of the value: no value is free, large ones cost
// more.
void weights_for(const float* x, float* weights) {
  double squares = 0;
  for (int i = 0; i < sub_values; ++i) squares += static_cast<double>(x[i]) * x[i];
  const auto base = static_cast<float>(std::sqrt(squares / sub_values));
  for (int i = 0; i < sub_values; ++i) weights[i] = base + std::fabs(x[i]);
}

struct SubBlockCodes {
  uint16_t d = 0;
  uint16_t dmin = 0;
  std::array<uint8_t, sub_count> scales{};
  std::array<uint8_t, sub_count> mins{};
  std::array<uint8_t, block_values> codes{};
};

// `value` as a multiple of `unit`, 0..63.
uint8_t six_bits(float value, float unit) {
  if (!(unit > 0.0f)) return 0;
  return static_cast<uint8_t>(nearest_code(value / unit, 0.0f, 63.0f));
}

// Codes of one sub-block for a given scale and offset; returns the weighted error. A scale of zero
// leaves -offset only.
double assign_codes(const float* x, const float* weights, float code_max, ScaleOffset fit,
                    float* codes) {
  const float inverse = fit.scale > 0.0f ? 1.0f / fit.scale : 0.0f;
  if (!std::isfinite(inverse)) return INFINITY;
  for (int i = 0; i < sub_values; ++i)
    codes[i] = nearest_code((x[i] + fit.offset) * inverse, 0.0f, code_max);
  return weighted_error(x, weights, codes, fit);
}

// Chooses the six-bit scale and min of sub-block `s`, near where its fit was, by the error that
// remains with them.
void choose_six_bits(const float* x, const float* weights, float code_max, ScaleOffset fit,
                     size_t s, SubBlockCodes& result) {
  const float d = float_from_half(result.d);
  const float dmin = float_from_half(result.dmin);
  const int scale_near = six_bits(fit.scale, d);
  const int min_near = six_bits(fit.offset, dmin);
  double best_error = INFINITY;
  std::array<float, sub_values> codes;
  for (int scale = std::max(scale_near - 3, 0); scale <= std::min(scale_near + 3, 63); ++scale) {
    for (int min = std::max(min_near - 1, 0); min <= std::min(min_near + 1, 63); ++min) {
      const ScaleOffset trial{d * static_cast<float>(scale), dmin * static_cast<float>(min)};
      const double error = assign_codes(x, weights, code_max, trial, codes.data());
      if (!(error < best_error)) continue;
      best_error = error;
      result.scales[s] = static_cast<uint8_t>(scale);
      result.mins[s] = static_cast<uint8_t>(min);
      for (size_t i = 0; i < sub_values; ++i)
        result.codes[s * sub_values + i] = static_cast<uint8_t>(codes[i]);
    }
  }
}

// Codes 0..code_max for 256 values, with six-bit scales and mins.
SubBlockCodes encode_sub_blocks(const float* values, float code_max) {
  std::array<ScaleOffset, sub_count> fits;
  std::array<float, block_values> weights;
  float scale_max = 0.0f;
  float offset_max = 0.0f;
  for (size_t s = 0; s < sub_count; ++s) {
    weights_for(values + s * sub_values, &weights[s * sub_values]);
    fits[s] = fit_sub_block(values + s * sub_values, &weights[s * sub_values], code_max);
    scale_max = std::max(scale_max, fits[s].scale);
    offset_max = std::max(offset_max, fits[s].offset);
  }
  SubBlockCodes result;
  result.d = half_from_float(std::min(scale_max / 63.0f, half_max));
  result.dmin = half_from_float(std::min(offset_max / 63.0f, half_max));
  for (size_t s = 0; s < sub_count; ++s) {
    choose_six_bits(values + s * sub_values, &weights[s * sub_values], code_max, fits[s], s,
                    result);
  }
  return result;
}

// The low two bits of element i in Q2_K and Q3_K.
int two_bits(const uint8_t qs[64], int i) {
  return (qs[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3;
}

// Inverse of unpack_k_scales.
void pack_k_scales(const SubBlockCodes& source, uint8_t packed[12]) {
  for (size_t j = 0; j < 4; ++j) {
    packed[j] = static_cast<uint8_t>(source.scales[j] | ((source.scales[j + 4] >> 4) << 6));
    packed[j + 4] = static_cast<uint8_t>(source.mins[j] | ((source.mins[j + 4] >> 4) << 6));
    packed[j + 8] =
        static_cast<uint8_t>((source.scales[j + 4] & 15) | ((source.mins[j + 4] & 15) << 4));
  }
}

// The low four bits of all codes, two sub-blocks to 32 bytes.
void pack_nibbles(const std::array<uint8_t, block_values>& codes, uint8_t qs[128]) {
  for (size_t i = 0; i < 128; ++i) {
    const size_t low = i / 32 * 64 + i % 32;
    qs[i] = static_cast<uint8_t>((codes[low] & 15) | ((codes[low + 32] & 15) << 4));
  }
}

// Q6_K: the best scale of 16 values with codes -32..31. The scale may be negative, so that the
// value largest in size, whatever its sign, can use the code -32.
float fit_group(const float* x) {
  const float extreme = *std::max_element(
      x, x + group_values, [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  if (!(std::fabs(extreme) > 1e-30f)) return 0.0f;
  float best = extreme / -32.0f;
  double best_gain = -1;
  for (int trial = -9; trial <= 9; ++trial) {
    const float inverse = -(32.0f + 0.1f * static_cast<float>(trial)) / extreme;
    double wqx = 0;
    double wqq = 0;
    for (int i = 0; i < group_values; ++i) {
      const double q = nearest_code(inverse * x[i], -32.0f, 31.0f);
      const double w = static_cast<double>(x[i]) * x[i];
      wqx += w * q * x[i];
      wqq += w * q * q;
    }
    // With the best scale for these codes, the error is smaller by wqx^2 / wqq.
    if (wqq > 0 && wqx * wqx > best_gain * wqq) {
      best_gain = wqx * wqx / wqq;
      best = static_cast<float>(wqx / wqq);
    }
  }
  return best;
}

}  // namespace

void decode_block(const BlockQ2K& block, float* values) {
  const float d = float_from_half(block.d);
  const float dmin = float_from_half(block.dmin);
  for (int i = 0; i < block_values; ++i) {
    const uint8_t scale = block.scales[i / 16];
    values[i] = d * static_cast<float>(scale & 15) * static_cast<float>(two_bits(block.qs, i)) -
                dmin * static_cast<float>(scale >> 4);
  }
}

void decode_block(const BlockQ3K& block, float* values) {
  const float d = float_from_half(block.d);
  int8_t scales[16];
  unpack_q3_k_scales(block.scales, scales);
  for (int i = 0; i < block_values; ++i) {
    const int high = (block.hmask[i % 32] >> (i / 32)) & 1;
    const int code = two_bits(block.qs, i) + 4 * high - 4;
    values[i] = d * scales[i / group_values] * static_cast<float>(code);
  }
}

void decode_block(const BlockQ4K& block, float* values) {
  const float d = float_from_half(block.d);
  const float dmin = float_from_half(block.dmin);
  uint8_t scales[8];
  uint8_t mins[8];
  unpack_k_scales(block.scales, scales, mins);
  for (int i = 0; i < block_values; ++i) {
    const int sub = i / sub_values;
    const int byte = block.qs[sub / 2 * 32 + i % 32];
    const int code = sub % 2 == 0 ? byte & 15 : byte >> 4;
    values[i] = d * scales[sub] * static_cast<float>(code) - dmin * mins[sub];
  }
}

void decode_block(const BlockQ5K& block, float* values) {
  const float d = float_from_half(block.d);
  const float dmin = float_from_half(block.dmin);
  uint8_t scales[8];
  uint8_t mins[8];
  unpack_k_scales(block.scales, scales, mins);
  for (int i = 0; i < block_values; ++i) {
    const int sub = i / sub_values;
    const int byte = block.qs[sub / 2 * 32 + i % 32];
    const int nibble = sub % 2 == 0 ? byte & 15 : byte >> 4;
    const int code = nibble + ((block.qh[i % 32] >> sub) & 1) * 16;
    values[i] = d * scales[sub] * static_cast<float>(code) - dmin * mins[sub];
  }
}

void decode_block(const BlockQ6K& block, float* values) {
  const float d = float_from_half(block.d);
  for (int i = 0; i < block_values; ++i) {
    const int half = i / 128;
    const int quarter = i % 128 / 32;  // which two bits of qh, and which nibble of ql
    const int low = block.ql[half * 64 + quarter % 2 * 32 + i % 32];
    const int nibble = quarter < 2 ? low & 15 : low >> 4;
    const int code = (nibble | (((block.qh[half * 32 + i % 32] >> (2 * quarter)) & 3) << 4)) - 32;
    values[i] = d * block.scales[i / group_values] * static_cast<float>(code);
  }
}

void encode_block(const float* values, BlockQ4K& block) {
  const SubBlockCodes result = encode_sub_blocks(values, 15.0f);
  block.d = result.d;
  block.dmin = result.dmin;
  pack_k_scales(result, block.scales);
  pack_nibbles(result.codes, block.qs);
}

void encode_block(const float* values, BlockQ5K& block) {
  const SubBlockCodes result = encode_sub_blocks(values, 31.0f);
  block.d = result.d;
  block.dmin = result.dmin;
  pack_k_scales(result, block.scales);
  pack_nibbles(result.codes, block.qs);
  std::fill(std::begin(block.qh), std::end(block.qh), uint8_t{0});
  for (size_t i = 0; i < block_values; ++i) {
    block.qh[i % 32] =
        static_cast<uint8_t>(block.qh[i % 32] | ((result.codes[i] >> 4) << (i / sub_values)));
  }
}

void encode_block(const float* values, BlockQ6K& block) {
  std::array<float, group_count> scales;
  for (size_t g = 0; g < group_count; ++g) scales[g] = fit_group(values + g * group_values);
  const float extreme = *std::max_element(
      scales.begin(), scales.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  block = BlockQ6K{};
  block.d = half_from_float(std::clamp(extreme / -128.0f, -half_max, half_max));
  const float d = float_from_half(block.d);
  for (size_t i = 0; i < block_values; ++i) {
    const size_t group = i / group_values;
    if (i % group_values == 0 && d != 0.0f) {
      block.scales[group] = static_cast<int8_t>(nearest_code(scales[group] / d, -128.0f, 127.0f));
    }
    const float scale = d * block.scales[group];
    const float exact = scale != 0.0f ? values[i] / scale : 0.0f;
    const auto code = static_cast<unsigned>(nearest_code(exact, -32.0f, 31.0f) + 32.0f);
    const size_t half = i / 128;
    const size_t quarter = i % 128 / 32;
    uint8_t& low = block.ql[half * 64 + quarter % 2 * 32 + i % 32];
    uint8_t& high = block.qh[half * 32 + i % 32];
    low = static_cast<uint8_t>(low | ((code & 15) << (quarter < 2 ? 0 : 4)));
    high = static_cast<uint8_t>(high | ((code >> 4) << (2 * quarter)));
  }
}

}  // namespace hearth::engine
