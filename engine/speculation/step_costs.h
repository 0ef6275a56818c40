// What a step that only writes answers costs, by the number of its columns: measured while it runs.
#pragma once

#include <array>
#include <cstdint>

namespace hearth::engine {

// Logarithms inside: a slower machine or a longer context shifts all of them together, and only
// what is left of a surprise belongs to the one number of columns.
class StepCosts {
 public:
  static constexpr int32_t columns_max = 32;

  StepCosts();

  // A step of this many columns took `seconds`. More columns than columns_max are ignored.
  void count(int32_t columns, double seconds);
  bool has_any() const { return step_count_ > 0; }
  // Seconds of a step, expected from those that were measured; what was not measured lately is
  // guessed from its neighbours and a rise of 6 % of the first column per column. 1 <= columns <=
  // columns_max.
  double seconds(int32_t columns) const;

 private:
  struct Entry {
    double level = 0;  // natural logarithm, relative to the common level
    int64_t count = 0;
    int64_t last_step = 0;
  };

  bool is_known(const Entry& entry) const;
  double level_of(int32_t columns) const;

  std::array<Entry, columns_max + 1> entries_{};
  double common_level_ = 0;
  int64_t step_count_ = 0;
};

}  // namespace hearth::engine
