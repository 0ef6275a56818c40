#include "api/duration.h"

#include <catch2/catch.hpp>

using namespace hearth::api;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;

TEST_CASE("Go durations are read") {
  CHECK(parse_go_duration("300ms") == 300ms);
  CHECK(parse_go_duration("1.5h") == 90min);
  CHECK(parse_go_duration("2h45m") == 165min);
  CHECK(parse_go_duration("1us") == 1us);
  CHECK(parse_go_duration("1\xc2\xb5s") == 1us);
  CHECK(parse_go_duration("-5m") == -5min);
  CHECK(parse_go_duration(".5s") == 500ms);
  CHECK(parse_go_duration("0") == 0s);
  for (const char* wrong : {"", "5", "m", "1x", "1h2", "--1s", "1e3s", "s5", "99999999999h", "-"}) {
    INFO(wrong);
    CHECK_FALSE(parse_go_duration(wrong));
  }
}

TEST_CASE("Go durations are printed") {
  CHECK(print_go_duration(5min) == "5m0s");
  CHECK(print_go_duration(90min) == "1h30m0s");
  CHECK(print_go_duration(1500ms) == "1.5s");
  CHECK(print_go_duration(250ms) == "250ms");
  CHECK(print_go_duration(0s) == "0s");
  CHECK(print_go_duration(-5s) == "-5s");
  CHECK(print_go_duration(forever) == "-1");
}

TEST_CASE("seconds become durations without overflow") {
  CHECK(from_seconds(1.5) == 1500ms);
  CHECK(from_seconds(1e300) == forever);
  CHECK(negative_is_forever(from_seconds(-1e300)) == forever);
}
