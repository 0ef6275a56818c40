// The groups' fits decide the half-precision units; each fit is then rounded to integers of those
// units, trying neighbours too, by the error that remains when the codes are rounded against what a
// reader multiplies with.
#include "engine/tensor/grouped_encoder.h"

#include <algorithm>
#include <cmath>

#include "engine/tensor/block_codec.h"
#include "engine/tensor/half.h"

namespace hearth::engine {
namespace {

// `value` in units of `unit`, between `low` and `high`.
int rounded(float value, float unit, int low, int high) {
  if (unit == 0.0f) return std::clamp(0, low, high);
  return static_cast<int>(
      std::nearbyint(std::clamp(value / unit, static_cast<float>(low), static_cast<float>(high))));
}

uint16_t half_near(float value) {
  return half_from_float(std::clamp(value, -half_max, half_max));
}

// Chooses scale and min of one group near its fit, and its codes.
void choose_integers(const GroupedRow& row, const Group& group, const Fit& fit, size_t index,
                     GroupedBlock& block) {
  const float d = float_from_half(block.d);
  const float dmin = float_from_half(block.dmin);
  const int scale_near = rounded(fit.scale, d, row.scale_low, row.scale_high);
  const int min_near = rounded(-fit.offset, dmin, 0, row.scale_high);
  const bool has_offset = row.search.offset != OffsetRule::none;
  Fit best{d * static_cast<float>(scale_near), -dmin * static_cast<float>(min_near)};
  block.scales[index] = static_cast<int8_t>(scale_near);
  block.mins[index] = static_cast<int8_t>(min_near);
  float best_error = group.error(row.search.levels, best);
  const int min_reach = has_offset ? row.min_reach : 0;
  for (int min = std::max(min_near - min_reach, 0);
       min <= std::min(min_near + min_reach, row.scale_high); ++min) {
    for (int scale = std::max(scale_near - row.scale_reach, row.scale_low);
         scale <= std::min(scale_near + row.scale_reach, row.scale_high); ++scale) {
      const Fit trial{d * static_cast<float>(scale), -dmin * static_cast<float>(min)};
      const float error = group.error(row.search.levels, trial);
      if (!(error < best_error)) continue;
      best_error = error;
      best = trial;
      block.scales[index] = static_cast<int8_t>(scale);
      block.mins[index] = static_cast<int8_t>(min);
    }
  }
  group.codes(row.search.levels, best, &block.codes[index * static_cast<size_t>(row.group_values)]);
}

}  // namespace

GroupedBlock encode_groups(const GroupedRow& row, const float* values) {
  const auto group_values = static_cast<size_t>(row.group_values);
  const size_t group_count = grouped_values / group_values;
  std::array<Fit, group_count_max> fits;
  float scale_extreme = 0.0f;
  float offset_extreme = 0.0f;
  for (size_t g = 0; g < group_count; ++g) {
    fits[g] = Group(std::span(values + g * group_values, group_values)).fit(row.search);
    if (std::fabs(fits[g].scale) > std::fabs(scale_extreme)) scale_extreme = fits[g].scale;
    offset_extreme = std::min(offset_extreme, fits[g].offset);
  }
  // Signed scales reach furthest below zero, unsigned ones above.
  const int furthest = row.scale_low < 0 ? row.scale_low : row.scale_high;
  GroupedBlock block;
  block.d = half_near(scale_extreme / static_cast<float>(furthest));
  block.dmin = half_near(-offset_extreme / static_cast<float>(row.scale_high));
  for (size_t g = 0; g < group_count; ++g) {
    const Group group(std::span(values + g * group_values, group_values));
    choose_integers(row, group, fits[g], g, block);
  }
  return block;
}

}  // namespace hearth::engine
