// See backoff.h.
#include "registry/remote/backoff.h"

#include <algorithm>
#include <ctime>
#include <random>
#include <string>
#include <thread>

namespace hearth::registry {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds delay_max{30'000};

}  // namespace

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text,
                                                      std::chrono::system_clock::time_point now) {
  if (text.empty()) return std::nullopt;
  if (text.find_first_not_of("0123456789") == std::string_view::npos)
    return std::chrono::seconds(text.size() > 9 ? 999'999'999 : std::stol(std::string(text)));
  std::tm parts{};
  const std::string copy(text);
  if (::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S", &parts) == nullptr) return std::nullopt;
  const auto when = std::chrono::system_clock::from_time_t(::timegm(&parts));
  return std::max(std::chrono::seconds(0), std::chrono::ceil<std::chrono::seconds>(when - now));
}

bool is_passing(int status) {
  return status == 408 || status == 429 || status >= 500;
}

std::optional<milliseconds> Backoff::next() {
  if (++failures_ >= tries_max_) return std::nullopt;
  thread_local std::minstd_rand random(std::random_device{}());
  const double factor = std::uniform_real_distribution<double>(0.5, 1.5)(random);
  const milliseconds delay = std::min(first_delay_ * (1 << std::min(failures_ - 1, 16)), delay_max);
  return milliseconds(static_cast<int64_t>(static_cast<double>(delay.count()) * factor));
}

void wait_for(milliseconds duration, const std::function<void()>& check) {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (true) {
    check();
    const auto left = end - std::chrono::steady_clock::now();
    if (left.count() <= 0) return;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, milliseconds(60)));
  }
}

}  // namespace hearth::registry
