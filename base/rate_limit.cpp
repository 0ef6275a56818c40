// See rate_limit.h.
#include "base/rate_limit.h"

#include <algorithm>

namespace hearth {
namespace {

// What was not used may be used a little later: sleeps are never exact.
constexpr std::chrono::milliseconds credit_max{50};

}  // namespace

std::chrono::microseconds RateLimit::wait() const {
  if (bytes_per_second_ == 0) return {};
  const std::lock_guard lock(mutex_);
  const auto debt = std::chrono::ceil<std::chrono::microseconds>(paid_until_ - clock_.now());
  return std::max(debt, std::chrono::microseconds{0});
}

void RateLimit::add(uint64_t bytes) {
  if (bytes_per_second_ == 0) return;
  const std::lock_guard lock(mutex_);
  const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second_);
  paid_until_ =
      std::max(paid_until_, clock_.now() - credit_max) +
      std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace hearth
