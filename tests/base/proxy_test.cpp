// Which addresses go through a proxy.
#include "base/proxy.h"

#include <catch2/catch.hpp>

using namespace hearth;

namespace {

Url at(const char* scheme, const char* host, uint16_t port) {
  Url url;
  url.scheme = scheme;
  url.host = host;
  url.port = port;
  return url;
}

}  // namespace

TEST_CASE("proxy: by scheme, and none without a variable") {
  const Url secure = at("https", "a.example", 443);
  const Url plain = at("http", "a.example", 80);
  CHECK(proxy_for(secure, {}).empty());
  CHECK(proxy_for(secure, {{"HTTPS_PROXY", "http://p:1"}}) == "http://p:1");
  CHECK(proxy_for(secure, {{"HTTPS_PROXY", "http://p:1"}, {"https_proxy", "http://q:1"}}) ==
        "http://q:1");
  CHECK(proxy_for(plain, {{"HTTPS_PROXY", "http://p:1"}}).empty());
  CHECK(proxy_for(plain, {{"HTTP_PROXY", "http://p:1"}}).empty());
  CHECK(proxy_for(plain, {{"http_proxy", "http://p:1"}}) == "http://p:1");
  CHECK(proxy_for(plain, {{"ALL_PROXY", "socks5://p:1"}}) == "socks5://p:1");
}

TEST_CASE("proxy: exceptions") {
  const auto is_direct = [](const char* host, const char* rules) {
    return proxy_for(at("https", host, 5000), {{"https_proxy", "p"}, {"no_proxy", rules}}).empty();
  };
  CHECK(is_direct("a.example", "*"));
  CHECK(is_direct("a.example", "b.example, a.example"));
  CHECK(is_direct("x.a.example", ".A.example"));
  CHECK(is_direct("x.a.example", "a.example"));
  CHECK(is_direct("x.a.example", "*.a.example"));
  CHECK(is_direct("a.example", "a.example:5000"));
  CHECK(is_direct("10.2.3.4", "10.0.0.0/8"));
  CHECK(is_direct("127.0.0.1", "localhost,127.0.0.1"));
  CHECK_FALSE(is_direct("ba.example", "a.example"));
  CHECK_FALSE(is_direct("a.example", "a.example:443"));
  CHECK_FALSE(is_direct("11.2.3.4", "10.0.0.0/8"));
  CHECK_FALSE(is_direct("10.2.3.4", "10.0.0.0/99"));
  CHECK_FALSE(is_direct("a.example", ""));
}
