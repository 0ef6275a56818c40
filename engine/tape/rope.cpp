#include "engine/tape/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hearth::engine {
namespace {

// The pair index at which a wavelength makes `rotations` turns within the original context.
double yarn_pair(const RopeParameters& parameters, double rotations) {
  const double turns = parameters.original_context / (rotations * 2.0 * std::numbers::pi);
  return static_cast<double>(parameters.dimension_count) * std::log(turns) /
         (2.0 * std::log(parameters.freq_base));
}

struct YarnRamp {
  double low = 0;
  double high = 0;

  // 1 where the pair keeps its frequency, 0 where its position is interpolated.
  double keep(int64_t pair) const {
    const double t = (static_cast<double>(pair) - low) / std::max(0.001, high - low);
    return 1.0 - std::clamp(t, 0.0, 1.0);
  }
};

YarnRamp make_ramp(const RopeParameters& parameters) {
  const double last = static_cast<double>(parameters.dimension_count - 1);
  return {std::max(0.0, std::floor(yarn_pair(parameters, parameters.beta_fast))),
          std::min(last, std::ceil(yarn_pair(parameters, parameters.beta_slow)))};
}

double yarn_magnitude(double factor, double multiplier) {
  return factor <= 1.0 ? 1.0 : 1.0 + 0.1 * multiplier * std::log(factor);
}

}  // namespace

RopeTable make_rope_table(const RopeParameters& parameters) {
  RopeTable table;
  const int64_t pairs = parameters.dimension_count / 2;
  const YarnRamp ramp = parameters.yarn ? make_ramp(parameters) : YarnRamp{};
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const double exponent =
        -2.0 * static_cast<double>(pair) / static_cast<double>(parameters.dimension_count);
    double frequency = std::pow(parameters.freq_base, exponent);
    if (!parameters.freq_factors.empty())
      frequency /= parameters.freq_factors[static_cast<size_t>(pair)];
    const double keep = parameters.yarn ? ramp.keep(pair) * parameters.ext_factor : 0.0;
    table.frequencies.push_back(frequency / parameters.factor * (1.0 - keep) + frequency * keep);
  }
  table.magnitude = parameters.attention_factor;
  if (parameters.yarn && parameters.ext_factor != 0.0) {
    table.magnitude *= yarn_magnitude(parameters.factor, 1.0);
    if (parameters.log_multiplier != 0.0)
      table.magnitude /= yarn_magnitude(parameters.factor, parameters.log_multiplier);
  }
  return table;
}

void rope_angles(const RopeTable& table, int64_t position, float* cos_sin) {
  for (double frequency : table.frequencies) {
    const double angle = static_cast<double>(position) * frequency;
    *cos_sin++ = static_cast<float>(std::cos(angle) * table.magnitude);
    *cos_sin++ = static_cast<float>(std::sin(angle) * table.magnitude);
  }
}

}  // namespace hearth::engine
