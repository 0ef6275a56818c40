#include "api/time_text.h"

#include <catch2/catch.hpp>

using namespace hearth::api;

TEST_CASE("times have as many digits as they need") {
  const WallTime base{std::chrono::seconds(1'790'000'000)};
  CHECK(rfc3339_utc(base) == "2026-09-21T14:13:20Z");
  CHECK(rfc3339_utc(base + std::chrono::nanoseconds(1)) == "2026-09-21T14:13:20.000000001Z");
  CHECK(rfc3339_utc(base + std::chrono::milliseconds(40)) == "2026-09-21T14:13:20.04Z");
  CHECK(rfc3339_utc(WallTime::max()).starts_with("2262-04-11T"));
  CHECK(rfc3339_local(base).starts_with("2026-09-2"));
}
