// The inner loops run over four values at a time in the compilers' own vector type, which every
// processor of ours has registers for; the rest of a trial is a handful of scalar operations.
#include "engine/tensor/scale_search.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace hearth::engine {
namespace {

using Four = float __attribute__((vector_size(16)));

constexpr int table_size_max = 16;
constexpr float size_min = 1e-30f;   // groups of smaller values count as zero
constexpr float extent_min = 1e-7f;  // values of a group closer together than this are one value
constexpr float offset_min = 1e-6f;  // smaller ones are what rounding left over
constexpr int refinements = 2;

Four load(const float* values) {
  Four result;
  std::memcpy(&result, values, sizeof(result));
  return result;
}

double sum_of(Four four) {
  return (static_cast<double>(four[0]) + four[1]) + (static_cast<double>(four[2]) + four[3]);
}

// The level nearest to each of four values.
struct IntegerRounder {
  explicit IntegerRounder(const Levels& levels)
      : low(Four{} + levels.low), high(Four{} + levels.high) {}

  Four operator()(Four value) const {
    const Four raised = value > low ? value : low;
    const Four clamped = raised < high ? raised : high;
    constexpr float integers_only =
        12582912.0f;  // 1.5 * 2^23: what is added to it loses its fraction
    return (clamped + integers_only) - integers_only;
  }

  Four low;
  Four high;
};

struct TableRounder {
  explicit TableRounder(const Levels& levels) : first(Four{} + levels.low) {
    for (int i = 0; i + 1 < table_size_max; ++i) {
      const bool is_used = i + 1 < levels.table_size;
      const float level = is_used ? levels.table[i] : levels.high;
      const float next = is_used ? levels.table[i + 1] : levels.high;
      middles[i] = is_used ? 0.5f * (level + next) : INFINITY;
      gaps[i] = next - level;
    }
  }

  Four operator()(Four value) const {
    Four level = first;
    for (int i = 0; i + 1 < table_size_max; ++i)
      level += value > middles[i] ? Four{} + gaps[i] : Four{};
    return level;
  }

  Four first;
  float middles[table_size_max - 1];
  float gaps[table_size_max - 1];
};

template <typename Function>
auto with_rounder(const Levels& levels, const Function& function) {
  return levels.table != nullptr ? function(TableRounder(levels))
                                 : function(IntegerRounder(levels));
}

// Sums over a group with its weights w, for y = (x - origin) * inverse, the levels q nearest to it
// and what remains, r = y - q. Sums of r instead of y keep their digits when little remains.
struct TrialSums {
  double q = 0, qq = 0, r = 0, qr = 0, rr = 0;
};

template <typename Rounder>
TrialSums sums_of(std::span<const float> x, const float* weights, const Rounder& round,
                  float inverse, float origin) {
  Four q_sum{}, qq_sum{}, r_sum{}, qr_sum{}, rr_sum{};
  for (size_t i = 0; i < x.size(); i += 4) {
    const Four w = load(weights + i);
    const Four y = (load(&x[i]) - origin) * inverse;
    const Four q = round(y);
    const Four r = y - q;
    const Four wq = w * q;
    const Four wr = w * r;
    q_sum += wq;
    qq_sum += wq * q;
    r_sum += wr;
    qr_sum += wq * r;
    rr_sum += wr * r;
  }
  return {sum_of(q_sum), sum_of(qq_sum), sum_of(r_sum), sum_of(qr_sum), sum_of(rr_sum)};
}

struct Solution {
  Fit fit;
  double error = INFINITY;
};

// Least squares of y on the levels alone: y ~ (1 + slope) * q.
Solution solve_scale(const TrialSums& sums, double inverse) {
  if (!(sums.qq > 0)) return {};
  const double slope = sums.qr / sums.qq;
  return {{static_cast<float>((1 + slope) / inverse), 0.0f},
          (sums.rr - slope * sums.qr) / (inverse * inverse)};
}

// Least squares on levels and a constant. An offset above zero becomes zero where the type has
// none; where all levels are the same one, the offset stays what it was.
Solution solve_offset(const TrialSums& sums, double weight, double inverse, double origin,
                      OffsetRule rule) {
  const double determinant = weight * sums.qq - sums.q * sums.q;
  if (!(determinant > 1e-9 * weight * sums.qq)) {
    Solution scale_only = solve_scale(sums, inverse);
    scale_only.fit.offset = static_cast<float>(origin);
    return scale_only;
  }
  const double slope = (weight * sums.qr - sums.q * sums.r) / determinant;
  const double constant = (sums.qq * sums.r - sums.q * sums.qr) / determinant;
  const double offset = origin + constant / inverse;
  if (rule == OffsetRule::not_positive && offset > 0) {
    const double shift = origin * inverse;
    TrialSums moved = sums;
    moved.qr += shift * sums.q;
    moved.rr += 2 * shift * sums.r + shift * shift * weight;
    return solve_scale(moved, inverse);
  }
  return {{static_cast<float>((1 + slope) / inverse), static_cast<float>(offset)},
          (sums.rr - slope * sums.qr - constant * sums.r) / (inverse * inverse)};
}

float inverse_or_zero(float scale) {
  const float inverse = 1.0f / scale;
  return std::isfinite(inverse) ? inverse : 0.0f;
}

// Where codes start and how far values reach from there, with the sign of the furthest one.
struct Frame {
  float origin;
  float extent;
};

Frame frame_of(std::span<const float> x, OffsetRule rule) {
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  if (rule == OffsetRule::none) return {0.0f, *high > -*low ? *high : *low};
  const float origin = rule == OffsetRule::any ? *low : std::min(*low, 0.0f);
  return {origin, *high - origin};
}

// The trials of one group, of which it keeps the best.
template <typename Rounder>
class TrialSeries {
 public:
  TrialSeries(const Rounder& round, std::span<const float> x, const float* weights, OffsetRule rule)
      : round_(round), x_(x), weights_(weights), rule_(rule) {
    for (size_t i = 0; i < x.size(); ++i) weight_ += weights[i];
  }

  const Fit& best() const { return best_.fit; }

  // Whether the solution of this trial leaves less error than all before.
  bool attempt(float inverse, float origin) {
    const TrialSums sums = sums_of(x_, weights_, round_, inverse, origin);
    const Solution trial = rule_ == OffsetRule::none
                               ? solve_scale(sums, inverse)
                               : solve_offset(sums, weight_, inverse, origin, rule_);
    if (!(trial.error < best_.error)) return false;
    best_ = trial;
    return true;
  }

 private:
  const Rounder& round_;
  std::span<const float> x_;
  const float* weights_;
  OffsetRule rule_;
  double weight_ = 0;
  Solution best_;
};

// Root mean square plus the size of the value: no value is free, large ones cost more.
void weigh(std::span<const float> x, float* weights) {
  float squares = 0.0f;
  for (const float value : x) squares += value * value;
  const float base = std::sqrt(squares / static_cast<float>(x.size()));
  for (size_t i = 0; i < x.size(); ++i) weights[i] = base + std::fabs(x[i]);
}

}  // namespace

Group::Group(std::span<const float> values) : count_(static_cast<int>(values.size())) {
  HEARTH_CHECK(count_ <= group_values_max && count_ % 4 == 0);
  float largest = 0.0f;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  unit_ = largest > size_min ? largest : 0.0f;
  const float inverse = unit_ > 0.0f ? 1.0f / unit_ : 0.0f;
  for (size_t i = 0; i < values.size(); ++i) x_[i] = values[i] * inverse;
  weigh(std::span(x_).first(values.size()), weights_.data());
}

Fit Group::fit(const SearchRow& row) const {
  if (unit_ == 0.0f) return {};
  const std::span<const float> x = std::span(x_).first(static_cast<size_t>(count_));
  const auto [origin, extent] = frame_of(x, row.offset);
  if (row.offset != OffsetRule::none && !(extent > extent_min)) return {0.0f, origin * unit_};
  const Fit best =
      with_rounder(row.levels, [&, origin = origin, extent = extent](const auto& round) {
        TrialSeries series(round, x, weights_.data(), row.offset);
        for (int trial = 0; trial < row.trials; ++trial) {
          const float reach = row.reach_first + row.reach_step * static_cast<float>(trial);
          series.attempt(reach / extent, origin);
        }
        for (int i = 0; i < refinements; ++i) {
          const Fit fit = series.best();
          if (!series.attempt(inverse_or_zero(fit.scale), fit.offset)) break;
        }
        return series.best();
      });
  const float offset = std::fabs(best.offset) > offset_min ? best.offset : 0.0f;
  return {best.scale * unit_, offset * unit_};
}

Fit Group::normalised(const Fit& fit) const {
  if (unit_ == 0.0f) return {};
  return {fit.scale / unit_, fit.offset / unit_};
}

float Group::error(const Levels& levels, const Fit& fit) const {
  const Fit near = normalised(fit);
  const float inverse = inverse_or_zero(near.scale);
  return with_rounder(levels, [&](const auto& round) {
    Four sum{};
    for (size_t i = 0; i < static_cast<size_t>(count_); i += 4) {
      const Four x = load(&x_[i]);
      const Four rest = x - near.offset - round((x - near.offset) * inverse) * near.scale;
      sum += load(&weights_[i]) * rest * rest;
    }
    return static_cast<float>(sum_of(sum));
  });
}

void Group::codes(const Levels& levels, const Fit& fit, uint8_t* codes) const {
  const Fit near = normalised(fit);
  const float inverse = inverse_or_zero(near.scale);
  with_rounder(levels, [&](const auto& round) {
    for (size_t i = 0; i < static_cast<size_t>(count_); i += 4) {
      const Four level = round((load(&x_[i]) - near.offset) * inverse);
      for (size_t k = 0; k < 4; ++k) {
        const int value = static_cast<int>(level[k]);
        codes[i + k] = static_cast<uint8_t>(
            levels.table == nullptr
                ? value - static_cast<int>(levels.low)
                : std::lower_bound(levels.table, levels.table + levels.table_size, value) -
                      levels.table);
      }
    }
    return 0;
  });
}

}  // namespace hearth::engine
