// See rate_limit.h.
#include "base/rate_limit.h"

#include <algorithm>

namespace hearth {
namespace {

// What was not used may be used a little later: sleeps are never exact.
constexpr std::chrono::milliseconds credit_max{50};

}  // namespace

uint64_t RateLimit::bytes_per_second() const {
  const uint64_t outer = outer_ == nullptr ? 0 : outer_->bytes_per_second();
  if (bytes_per_second_ == 0 || outer == 0) return std::max(bytes_per_second_, outer);
  return std::min(bytes_per_second_, outer);
}

std::chrono::microseconds RateLimit::wait() const {
  const std::chrono::microseconds outer =
      outer_ == nullptr ? std::chrono::microseconds{0} : outer_->wait();
  if (bytes_per_second_ == 0) return outer;
  const std::lock_guard lock(mutex_);
  const auto debt = std::chrono::ceil<std::chrono::microseconds>(paid_until_ - clock_.now());
  return std::max({outer, debt, std::chrono::microseconds{0}});
}

void RateLimit::add(uint64_t bytes) {
  if (outer_ != nullptr) outer_->add(bytes);
  if (bytes_per_second_ == 0) return;
  const std::lock_guard lock(mutex_);
  const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second_);
  paid_until_ =
      std::max(paid_until_, clock_.now() - credit_max) +
      std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace hearth
