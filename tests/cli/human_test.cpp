// Sizes, times and tables as Ollama's command line prints them.
#include "cli/human.h"

#include <catch2/catch.hpp>

using namespace hearth::cli;
using namespace std::chrono_literals;

TEST_CASE("sizes are decimal, with one digit after the point below ten") {
  CHECK(human_size(0) == "0 B");
  CHECK(human_size(999) == "999 B");
  CHECK(human_size(2'000'000'000) == "2 GB");
  CHECK(human_size(2'020'000'000) == "2.0 GB");
  CHECK(human_size(813'000'000) == "813 MB");
  CHECK(human_size(1'054'624) == "1.1 MB");
  CHECK(human_size(12'345'678'000'000'000) == "12345 TB");
}

TEST_CASE("durations read as Go prints them") {
  CHECK(human_duration(0) == "0s");
  CHECK(human_duration(1'234'567'000) == "1.234567s");
  CHECK(human_duration(12'000'000) == "12ms");
  CHECK(human_duration(1'500) == "1.5µs");
  CHECK(human_duration(62'500'000'000) == "1m2.5s");
  CHECK(human_duration(3'600'000'000'000) == "1h0m0s");
}

TEST_CASE("times are told by their distance") {
  const auto now = parse_time("2026-01-10T12:00:00Z");
  CHECK(human_time(now - 1s, now) == "1 second ago");
  CHECK(human_time(now - 90s, now) == "About a minute ago");
  CHECK(human_time(now - 5min, now) == "5 minutes ago");
  CHECK(human_time(now - 3 * 24h, now) == "3 days ago");
  CHECK(human_time(now - 30 * 24h, now) == "4 weeks ago");
  CHECK(human_time(now + 4min, now) == "4 minutes from now");
  CHECK(human_time(parse_time("2318-01-01T00:00:00Z"), now) == "Forever");
  CHECK(human_time({}, now) == "Never");
}

TEST_CASE("RFC 3339 with fraction and offset") {
  const auto expected = parse_time("2026-01-10T12:00:00Z");
  CHECK(parse_time("2026-01-10T12:00:00.123456789Z") == expected);
  CHECK(parse_time("2026-01-10T14:30:00.5+02:30") == expected);
  CHECK(parse_time("2026-01-10T07:00:00-05:00") == expected);
  CHECK(parse_time("nonsense") == std::chrono::system_clock::time_point{});
}

TEST_CASE("columns are as wide as their widest cell") {
  CHECK(table({{"NAME", "ID"}, {"日本", "1"}, {"longer", "2"}}) ==
        "NAME      ID    \n"
        "日本      1     \n"
        "longer    2     \n");
}
