#include "engine/speculation/step_costs.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/check.h"

namespace hearth::engine {
namespace {

constexpr double rise_per_column = 0.06;  // of what was never measured
constexpr int64_t known_steps = 256;      // a measurement is forgotten after as many others
constexpr double surprise_max = 0.4;      // a step that waited for the system says little
constexpr double first_surprise_max = 1;  // of the first steps with that many columns
constexpr int64_t first_steps = 4;
constexpr double gain = 1.0 / 8;
constexpr double first_gain = 0.6;
constexpr double seconds_min = 1e-7;

double guessed_level(int32_t columns) {
  return std::log1p(rise_per_column * (columns - 1));
}

}  // namespace

StepCosts::StepCosts() = default;

bool StepCosts::is_known(const Entry& entry) const {
  return entry.count > 0 && step_count_ - entry.last_step <= known_steps;
}

double StepCosts::level_of(int32_t columns) const {
  const Entry& own = entries_[static_cast<size_t>(columns)];
  if (is_known(own)) return own.level;
  std::optional<double> below;
  std::optional<double> above;
  int32_t below_columns = columns;
  int32_t above_columns = columns;
  while (!below && --below_columns >= 1) {
    const Entry& entry = entries_[static_cast<size_t>(below_columns)];
    if (is_known(entry)) below = entry.level - guessed_level(below_columns);
  }
  while (!above && ++above_columns <= columns_max) {
    const Entry& entry = entries_[static_cast<size_t>(above_columns)];
    if (is_known(entry)) above = entry.level - guessed_level(above_columns);
  }
  double shift = below.value_or(above.value_or(0));
  if (below && above) {
    const double place = static_cast<double>(columns - below_columns) /
                         static_cast<double>(above_columns - below_columns);
    shift = *below + (*above - *below) * place;
  }
  return shift + guessed_level(columns);
}

void StepCosts::count(int32_t columns, double seconds) {
  if (columns < 1 || columns > columns_max) return;
  Entry& entry = entries_[static_cast<size_t>(columns)];
  const double measured = std::log(std::max(seconds, seconds_min));
  const double level = level_of(columns);
  ++step_count_;
  if (!is_known(entry)) {
    entry.level = level;
    entry.count = 0;
  }
  double surprise = measured - level - common_level_;
  if (step_count_ == 1) {
    common_level_ += surprise;
    surprise = 0;
  }
  const bool is_new = entry.count < first_steps;
  const double most = is_new ? first_surprise_max : surprise_max;
  surprise = std::clamp(surprise, -most, most);
  // While little is known about this number of columns the surprise is its own.
  const double common_gain = is_new ? 0 : gain;
  common_level_ += common_gain * surprise;
  entry.level += (entry.count == 0 ? 1 : is_new ? first_gain : gain) * surprise;
  entry.last_step = step_count_;
  entry.count = std::min<int64_t>(entry.count + 1, known_steps);
}

double StepCosts::seconds(int32_t columns) const {
  HEARTH_CHECK(columns >= 1 && columns <= columns_max);
  return std::exp(level_of(columns) + common_level_);
}

}  // namespace hearth::engine
