// The search all quantised types encode with: the scale (and offset) of one group of values that
// makes value ~ scale * level + offset best, where a level is what a code stands for. A type is a
// SearchRow; what differs between types is data. Private to the codec.
//
// For a range of trial scales the levels are rounded to, then scale and offset are solved for those
// levels by least squares; the best trial is solved again from its own result. Large values weigh
// more, because they contribute more to a product.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace hearth::engine {

// Ascending levels: the integers from `low` to `high`, or the first `table_size` of `table`, of
// which `low` and `high` are the ends.
struct Levels {
  float low;
  float high;
  const int8_t* table = nullptr;
  int table_size = 0;
};

enum class OffsetRule { none, not_positive, any };

// How a type is searched. A trial maps the value largest in size (without offset) or the range of
// values (with one) to `reach` levels, from `reach_first` in `trials` steps of `reach_step`.
struct SearchRow {
  Levels levels;
  OffsetRule offset;
  float reach_first;
  float reach_step;
  int trials;
};

// value = scale * level + offset. Scales are not negative where there is an offset.
struct Fit {
  float scale = 0.0f;
  float offset = 0.0f;
};

constexpr int group_values_max = 256;

// One group of values, a multiple of 4, divided by the largest of them in size, so that nothing
// overflows on the way; `unit` is that size, 0 where the group counts as zero.
class Group {
 public:
  explicit Group(std::span<const float> values);

  float unit() const { return unit_; }
  // The best fit of this group, in the units of the values.
  Fit fit(const SearchRow& row) const;
  // Weighted square error that remains with `fit` and the nearest levels, for comparison within the
  // group. A scale of zero leaves the offset alone.
  float error(const Levels& levels, const Fit& fit) const;
  // Index of the nearest level of every value.
  void codes(const Levels& levels, const Fit& fit, uint8_t* codes) const;

 private:
  Fit normalised(const Fit& fit) const;

  int count_;
  float unit_ = 0.0f;
  alignas(16) std::array<float, group_values_max> x_;
  alignas(16) std::array<float, group_values_max> weights_;
};

}  // namespace hearth::engine
