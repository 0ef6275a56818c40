// How long to wait before the next try, and when to give up.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace hearth::registry {

// "120" or a date (RFC 9110). Absent when it says nothing; a date that is over is zero.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text,
                                                      std::chrono::system_clock::time_point now);

// Statuses that may be another one a little later.
bool is_passing(int status);

// Failures in a row. Delays double up to 30 s and vary by half, so that many clients do not come
// back at the same moment.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first_delay, int tries_max)
      : first_delay_(first_delay), tries_max_(tries_max) {}

  // Absent: that was the last try.
  std::optional<std::chrono::milliseconds> next();
  void reset() { failures_ = 0; }

 private:
  std::chrono::milliseconds first_delay_;
  int tries_max_;
  int failures_ = 0;
};

// Sleeps; `check` is called at least every 60 ms and may throw.
void wait_for(std::chrono::milliseconds duration, const std::function<void()>& check);

}  // namespace hearth::registry
