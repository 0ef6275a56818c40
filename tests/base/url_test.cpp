// Addresses: what is one, and what credentials may follow.
#include "base/url.h"

#include <array>
#include <catch2/catch.hpp>

using namespace hearth;

TEST_CASE("url: the parts of an address") {
  const auto url = parse_url("https://Registry.Example:5000/v2/a/b?x=1&y=2#z");
  REQUIRE(url);
  CHECK(url->host == "registry.example");
  CHECK(url->port == 5000);
  CHECK(url->path == "/v2/a/b");
  CHECK(url->query == "x=1&y=2");
  CHECK(url->origin() == "https://registry.example:5000");
  CHECK(url->authority() == "registry.example:5000");
  CHECK(url->text.find('#') == std::string::npos);
  CHECK(parse_url("https://a.example:443/")->authority() == "a.example");
  CHECK(parse_url("http://[::1]:80/")->host == "::1");
}

TEST_CASE("url: what is no address of the web") {
  for (const char* text :
       {"", "registry.example", "ftp://a/", "file:///etc/passwd", "https://",
        "https://user:secret@a.example/", "https://evil@a.example/", "http://a b/",
        "http://a.example/\r\nHost: b", "gopher://a", "https://a.example:99999/"}) {
    INFO(text);
    CHECK_FALSE(parse_url(text));
  }
  CHECK_FALSE(parse_url("https://a.example/" + std::string(10'000, 'x')));
}

TEST_CASE("url: references on a page") {
  const Url base = *parse_url("https://a.example/v2/m/uploads/1?state=x");
  const std::array<std::array<std::string, 2>, 5> rows{
      std::array<std::string, 2>{"/v2/other", "https://a.example/v2/other"},
      {"2?state=y", "https://a.example/v2/m/uploads/2?state=y"},
      {"../up", "https://a.example/v2/m/up"},
      {"//b.example/c", "https://b.example/c"},
      {"http://c.example/d", "http://c.example/d"}};
  for (const auto& [reference, expected] : rows) {
    const auto url = resolve_url(base, reference);
    REQUIRE(url);
    CHECK(url->text == expected);
  }
  CHECK_FALSE(resolve_url(base, "file:///etc/passwd"));
  CHECK_FALSE(resolve_url(base, ""));
}

TEST_CASE("url: texts in queries") {
  CHECK(encode_query("repository:library/m:pull a~b") == "repository%3Alibrary%2Fm%3Apull+a~b");
}
