// Time as an interface, so that tests own it.
#pragma once

#include <chrono>

namespace hearth {

using TimePoint = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;                               // monotonic, for durations
  virtual std::chrono::system_clock::time_point wall() const = 0;  // for dates people read
};

// The machine's clocks. Lives as long as the program.
const Clock& system_clock();

}  // namespace hearth
