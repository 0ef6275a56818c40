// Points in time as JSON carries them: RFC 3339 with up to nine fractional digits.
#pragma once

#include <chrono>
#include <string>

namespace hearth::api {

using WallTime = std::chrono::system_clock::time_point;

// "2026-08-21T10:00:00.04Z": trailing zeros of the fraction are left out, as Go does.
std::string rfc3339_utc(WallTime time);
// The same in the machine's time zone: "2026-08-21T12:00:00.04+02:00".
std::string rfc3339_local(WallTime time);

}  // namespace hearth::api
