// HEARTH_HOST in all the forms people write it.
#include "cli/config.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace hearth::cli;

TEST_CASE("addresses get scheme and port") {
  CHECK(base_url_from("127.0.0.1:11434") == "http://127.0.0.1:11434");
  CHECK(base_url_from("example.org") == "http://example.org:11434");
  CHECK(base_url_from("example.org:80") == "http://example.org:80");
  CHECK(base_url_from(":5000") == "http://127.0.0.1:5000");
  CHECK(base_url_from("http://example.org") == "http://example.org:80");
  CHECK(base_url_from("https://example.org/path") == "https://example.org:443/path");
  CHECK(base_url_from("0.0.0.0:11434") == "http://127.0.0.1:11434");
  CHECK(base_url_from("::1") == "http://[::1]:11434");
  CHECK(base_url_from("[::1]:99") == "http://[::1]:99");
  CHECK(base_url_from("[::]") == "http://[::1]:11434");
}

TEST_CASE("nonsense is named") {
  for (const char* text : {"host:port", "ftp://host", "host:99999", "a b"}) {
    INFO(text);
    CHECK_THROWS_WITH(base_url_from(text), Catch::Matchers::Contains(text));
  }
}

TEST_CASE("loopback is recognised") {
  CHECK(is_loopback_url("http://127.0.0.1:11434"));
  CHECK(is_loopback_url("http://localhost:1"));
  CHECK(is_loopback_url("http://[::1]:1"));
  CHECK_FALSE(is_loopback_url("http://192.168.0.1:11434"));
}
