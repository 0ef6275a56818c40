// HEARTH_HOST in all the forms people write it.
#include "api/address.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace hearth::api;

TEST_CASE("addresses in all forms") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "http|127.0.0.1|11434|"},
      {"0.0.0.0", "http|0.0.0.0|11434|"},
      {"example.org:80", "http|example.org|80|"},
      {":8080", "http|127.0.0.1|8080|"},
      {"http://127.0.0.1", "http|127.0.0.1|80|"},
      {"https://a", "https|a|443|"},
      {"https://a:1/x/", "https|a|1|/x"},
      {"a/x", "http|a|11434|/x"},
      {"::1", "http|::1|11434|"},
      {"[::1]", "http|::1|11434|"},
      {"[::1]:9", "http|::1|9|"},
      {"http://[::1]:9/", "http|::1|9|"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    const Address address = parse_address(text);
    CHECK(fmt::format("{}|{}|{}|{}", address.scheme, address.host, address.port, address.path) ==
          expected);
  }
}

TEST_CASE("nonsense is no address") {
  for (const char* text :
       {"a:99999", "a:b", "a:", "ftp://a", "[::1", "[::1]x", "a b", "user@host"}) {
    INFO(text);
    CHECK_THROWS_WITH(parse_address(text), Catch::Contains(text));
  }
}
