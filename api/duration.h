// Lengths of time as clients write them: Go's notation ("1h30m", "300ms") and numbers of seconds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::api {

using Duration = std::chrono::nanoseconds;

// What a negative keep_alive means. No clock arithmetic may be done with it.
inline constexpr Duration forever = Duration::max();

// Go's time.ParseDuration: an optional sign, then numbers with fraction and unit (ns, us, µs, ms,
// s, m, h). "0" needs no unit. Absent when it is not of that form or too large. Signs are kept: the
// caller decides what negative means.
std::optional<Duration> parse_go_duration(std::string_view text);

// Seconds as a Duration, rounded toward zero; what does not fit becomes the largest of that sign.
Duration from_seconds(double seconds);

// keep_alive: negative values become `forever`.
Duration negative_is_forever(Duration value);

// "5m0s", "1.5s", "0s", as Go prints; "-1" for forever.
std::string print_go_duration(Duration value);

}  // namespace hearth::api
