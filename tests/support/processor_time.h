// Bounds on the growth of time that hold on a busy machine too: processor time of this process, and
// only the ratio between two sizes of the same input.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <limits>

namespace hearth::testing {

// The smaller size for inputs made to be slow; sanitizers make the work twenty times slower.
#ifdef __SANITIZE_ADDRESS__
inline constexpr size_t hostile_bytes = 2'000;
#else
inline constexpr size_t hostile_bytes = 16'000;
#endif

// Whether `prepare(size)()` takes about as many times longer for 8 times the size; n log n passes,
// the quadratic way (64 times) does not. Only the returned function is timed.
template <typename Prepare>
bool is_nearly_linear(size_t size, const Prepare& prepare) {
  constexpr size_t factor = 8;
  constexpr double ratio_max = 24;
  const auto ticks = [](const auto& work, int rounds) {
    double best = std::numeric_limits<double>::max();
    for (int round = 0; round < rounds; ++round) {
      const std::clock_t start = std::clock();
      work();
      best = std::min(best, static_cast<double>(std::clock() - start));
    }
    return best;
  };
  // What the clock cannot resolve counts as 0.2 ms.
  constexpr double least = CLOCKS_PER_SEC / 5000.0;
  const double small = std::max(least, ticks(prepare(size), 3));
  const double large = ticks(prepare(factor * size), 1);
  // Once more before it counts as slow: the first time may have been disturbed.
  return large < ratio_max * small || ticks(prepare(factor * size), 3) < ratio_max * small;
}

}  // namespace hearth::testing
