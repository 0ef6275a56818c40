// CBOR that would make a decoder recurse or allocate without bound is refused beforehand.
#include "engine/runner/cbor_limits.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"

using hearth::engine::check_cbor;

namespace {

std::vector<std::byte> bytes_of(const std::vector<uint8_t>& values) {
  const auto view = std::as_bytes(std::span(values));
  return {view.begin(), view.end()};
}

void fails(const std::vector<uint8_t>& values, const std::string& why) {
  CHECK_THROWS_WITH(check_cbor(bytes_of(values)), Catch::Matchers::Contains(why));
}

}  // namespace

TEST_CASE("cbor: what the library writes is accepted") {
  const nlohmann::json json = {{"a", {1, -5, 1.5, true, nullptr, "text"}},
                               {"b", nlohmann::json::binary({1, 2})},
                               {"c", {{"d", {{"e", 18446744073709551615u}}}}}};
  CHECK_NOTHROW(check_cbor(bytes_of(nlohmann::json::to_cbor(json))));
  CHECK_NOTHROW(check_cbor(bytes_of({0x80})));
}

TEST_CASE("cbor: limits") {
  fails({}, "ends early");
  fails({0x01, 0x02}, "bytes behind the end");
  fails({0x62, 'a'}, "a string longer than the frame");
  fails({0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "a string longer than the frame");
  fails({0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0}, "more than 262144");
  fails({0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "more than 262144");
  fails({0x9f, 0x01, 0xff}, "indefinite");
  fails({0xc0, 0x01}, "tags");
  fails({0xf7}, "simple value");
  fails({0x82, 0x01}, "ends early");
  fails(std::vector<uint8_t>(1'000'000, 0x81), "nested deeper than 8");
  std::vector<uint8_t> wide(5 + 262'144, 0);
  wide[0] = 0x9a;
  wide[2] = 0x04;
  fails(wide, "more than 262144 values");
}
