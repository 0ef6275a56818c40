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
  // One that also keeps to `outer`, where there is one; `outer` must outlive it.
  RateLimit(uint64_t bytes_per_second, RateLimit* outer, const Clock& clock = system_clock())
      : RateLimit(bytes_per_second, clock) {
    outer_ = outer;
  }

  // The lower of its own and the outer one. Zero: no limit.
  uint64_t bytes_per_second() const;
  // How long until something may pass; zero: now.
  std::chrono::microseconds wait() const;
  void add(uint64_t bytes);

 private:
  const uint64_t bytes_per_second_;
  RateLimit* outer_ = nullptr;
  const Clock& clock_;
  mutable std::mutex mutex_;
  TimePoint paid_until_;  // in the future: the debt
};

}  // namespace hearth
