// Bytes per second, on a clock of our own.
#include "base/rate_limit.h"

#include <catch2/catch.hpp>

using namespace hearth;
using namespace std::chrono_literals;

namespace {

struct OwnClock : Clock {
  TimePoint now() const override { return time; }
  std::chrono::system_clock::time_point wall() const override { return {}; }
  TimePoint time{1h};
};

}  // namespace

TEST_CASE("rate_limit: what passed is paid by time") {
  OwnClock clock;
  RateLimit limit(1000, clock);
  CHECK(limit.wait() == 0us);
  limit.add(500);
  CHECK(limit.wait() == 500ms);
  limit.add(500);
  CHECK(limit.wait() == 1s);
  clock.time += 600ms;
  CHECK(limit.wait() == 400ms);
}

TEST_CASE("rate_limit: a pause is no credit for later") {
  OwnClock clock;
  RateLimit limit(1000, clock);
  clock.time += 1h;
  limit.add(1000);
  CHECK(limit.wait() >= 900ms);
}

TEST_CASE("rate_limit: zero is none") {
  OwnClock clock;
  RateLimit limit(0, clock);
  limit.add(uint64_t{1} << 40);
  CHECK(limit.wait() == 0us);
}

TEST_CASE("rate_limit: one inside another keeps to both") {
  OwnClock clock;
  RateLimit outer(1000, clock);
  RateLimit slow(100, &outer, clock), quick(0, &outer, clock), alone(100, nullptr, clock);
  CHECK(slow.bytes_per_second() == 100);
  CHECK(quick.bytes_per_second() == 1000);
  CHECK(alone.bytes_per_second() == 100);
  CHECK(RateLimit(5000, &outer, clock).bytes_per_second() == 1000);
  slow.add(100);
  CHECK(slow.wait() == 1s);
  CHECK(quick.wait() == 100ms);  // what the other one took counts here too
  clock.time += 1s;
  quick.add(2000);
  CHECK(slow.wait() == 1950ms);
}
