// How many bytes may pass in a second, for any number of streams together.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

#include "base/clock.h"

namespace hearth {

// Any thread. Bytes that have passed are a debt that time pays: who finds one waits.
class RateLimit {
 public:
  explicit RateLimit(uint64_t bytes_per_second, const Clock& clock = system_clock())
      : bytes_per_second_(bytes_per_second), clock_(clock), paid_until_(clock.now()) {}

  // Zero: no limit.
  uint64_t bytes_per_second() const { return bytes_per_second_; }
  // How long until something may pass; zero: now.
  std::chrono::microseconds wait() const;
  void add(uint64_t bytes);

 private:
  const uint64_t bytes_per_second_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  TimePoint paid_until_;  // in the future: the debt
};

}  // namespace hearth
