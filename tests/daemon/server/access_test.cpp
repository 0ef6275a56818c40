#include "daemon/server/access.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace hearth::daemon;

namespace {

AccessRules rules() {
  AccessRules result;
  result.host_name = "Desk";
  return result;
}

}  // namespace

TEST_CASE("a loopback listener answers names and addresses that are surely local") {
  for (const char* host : {"", "localhost", "LOCALHOST:11434", "127.0.0.1:11434", "[::1]:11434",
                           "::1", "192.168.1.5", "10.0.0.1:1", "172.16.3.4", "0.0.0.0",
                           "desk:11434", "a.local", "b.internal", "c.localhost"}) {
    INFO(host);
    CHECK(is_host_allowed(rules(), host));
  }
  for (const char* host : {"evil.example", "8.8.8.8", "172.32.0.1", "localhost.evil.example",
                           "2001:db8::1", "[2001:db8::1]:80"}) {
    INFO(host);
    CHECK_FALSE(is_host_allowed(rules(), host));
  }
  AccessRules open = rules();
  open.is_loopback = false;
  CHECK(is_host_allowed(open, "evil.example"));
}

TEST_CASE("web pages") {
  CHECK(judge_origin(rules(), "", "localhost:11434") == OriginVerdict::same);
  CHECK(judge_origin(rules(), "http://localhost:11434", "localhost:11434") == OriginVerdict::same);
  for (const char* origin : {"http://localhost:3000", "https://127.0.0.1", "app://x",
                             "vscode-webview://y", "tauri://localhost"}) {
    INFO(origin);
    CHECK(judge_origin(rules(), origin, "h") == OriginVerdict::allowed);
  }
  for (const char* origin :
       {"http://evil.example", "http://localhost.evil.example", "null", "chrome-extension://abc"}) {
    INFO(origin);
    CHECK(judge_origin(rules(), origin, "h") == OriginVerdict::denied);
  }
  AccessRules more = rules();
  more.origins = {"https://*.example.org", "chrome-extension://abc"};
  CHECK(judge_origin(more, "https://a.example.org", "h") == OriginVerdict::allowed);
  CHECK(judge_origin(more, "chrome-extension://abc", "h") == OriginVerdict::allowed);
  CHECK(judge_origin(more, "https://example.com", "h") == OriginVerdict::denied);
  more.origins = {"*"};
  CHECK(judge_origin(more, "https://anything", "h") == OriginVerdict::allowed_for_all);
}

TEST_CASE("origin entries") {
  CHECK_NOTHROW(check_origin_entry("*"));
  CHECK_NOTHROW(check_origin_entry("https://a"));
  CHECK_NOTHROW(check_origin_entry("https://*.a"));
  CHECK_THROWS_AS(check_origin_entry("https://*.a.*"), hearth::Error);
  CHECK_THROWS_AS(check_origin_entry("a.example"), hearth::Error);
}

TEST_CASE("keys") {
  AccessRules with_key = rules();
  CHECK(is_key_right(with_key, "", ""));
  with_key.api_key = "secret";
  CHECK(is_key_right(with_key, "Bearer secret", ""));
  CHECK(is_key_right(with_key, "bearer secret", ""));
  CHECK(is_key_right(with_key, "", "secret"));
  CHECK_FALSE(is_key_right(with_key, "", ""));
  CHECK_FALSE(is_key_right(with_key, "Bearer secreT", ""));
  CHECK_FALSE(is_key_right(with_key, "Bearer secrets", ""));
  CHECK_FALSE(is_key_right(with_key, "secret", ""));
}

TEST_CASE("loopback hosts") {
  for (const char* host : {"localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"})
    CHECK(is_loopback_host(host));
  for (const char* host : {"0.0.0.0", "192.168.0.1", "::", "example.org", "127.0.0.1.example.org"})
    CHECK_FALSE(is_loopback_host(host));
}
