// Lists of numbers, each kept once: equal lists have equal numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hearth::engine {

class SpanPool {
 public:
  SpanPool();

  // The number of this list; the first one is 0. `list` must not be a view of this pool.
  uint32_t intern(std::span<const uint32_t> list);
  // Valid until the next intern().
  std::span<const uint32_t> operator[](uint32_t number) const {
    return std::span(values_).subspan(firsts_[number], firsts_[number + 1] - firsts_[number]);
  }
  size_t size() const { return firsts_.size() - 1; }
  // Values in all lists.
  size_t value_count() const { return values_.size(); }

 private:
  size_t place_of(std::span<const uint32_t> list) const;
  void grow();

  std::vector<uint32_t> values_;
  std::vector<size_t> firsts_;
  std::vector<uint32_t> slots_;  // open addressing; number + 1, 0: free
};

}  // namespace hearth::engine
