// Waiting between tries.
#include "registry/remote/backoff.h"

#include <catch2/catch.hpp>

using namespace hearth::registry;
using namespace std::chrono_literals;

TEST_CASE("backoff: delays double, vary by half, and end") {
  Backoff backoff(100ms, 4);
  for (const auto expected : {100ms, 200ms, 400ms}) {
    const auto delay = backoff.next();
    REQUIRE(delay);
    CHECK(*delay >= expected / 2);
    CHECK(*delay <= expected * 3 / 2);
  }
  CHECK_FALSE(backoff.next());
  backoff.reset();
  CHECK(backoff.next().value() <= 150ms);
  Backoff endless(1000ms, 1000);
  for (int i = 0; i < 500; ++i) CHECK(endless.next().value() <= 45s);
}

TEST_CASE("backoff: Retry-After as seconds and as a date") {
  const auto now = std::chrono::system_clock::from_time_t(1445412480);  // Wed, 21 Oct 2015 07:28:00
  CHECK(parse_retry_after("120", now) == 120s);
  CHECK(parse_retry_after("99999999999999999999", now) == 999999999s);
  CHECK(parse_retry_after("Wed, 21 Oct 2015 07:28:30 GMT", now) == 30s);
  CHECK(parse_retry_after("Wed, 21 Oct 2015 07:27:00 GMT", now) == 0s);
  CHECK_FALSE(parse_retry_after("", now));
  CHECK_FALSE(parse_retry_after("soon", now));
  CHECK_FALSE(parse_retry_after("-1", now));
}

TEST_CASE("backoff: statuses that pass") {
  for (const int status : {408, 429, 500, 502, 503, 504}) CHECK(is_passing(status));
  for (const int status : {200, 206, 301, 400, 401, 403, 404, 412, 416})
    CHECK_FALSE(is_passing(status));
}
