#include "daemon/server/http_text.h"

#include <catch2/catch.hpp>

using namespace hearth::daemon;

namespace {

std::string target(const std::string& text) {
  std::string path;
  std::string query;
  split_target(text, path, query);
  return path + "|" + query;
}

}  // namespace

TEST_CASE("targets") {
  CHECK(target("/a%20b?x=%20") == "/a b|x=%20");
  CHECK(target("/") == "/|");
  CHECK(target("/v1/models/user%2Fm:latest") == "/v1/models/user/m:latest|");
  CHECK(target("/%zz%4") == "/%zz%4|");
  CHECK(target("http://host:1/x?y") == "/x|y");
  CHECK(target("http://host") == "/|");
}

TEST_CASE("heads of responses") {
  const std::string head = response_head(404, "text/plain", 3, {{"Allow", "GET"}});
  CHECK(head.starts_with("HTTP/1.1 404 Not Found\r\nDate: "));
  CHECK(
      head.ends_with("GMT\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nAllow: GET\r\n\r\n"));
  CHECK(response_head(204, "", std::nullopt, {}).find("Content-") == std::string::npos);
  CHECK(reason_phrase(299) == "Status");
}
