// What servers write into WWW-Authenticate.
#include "registry/remote/challenge.h"

#include <catch2/catch.hpp>

using namespace hearth::registry;

TEST_CASE("challenge: the usual one") {
  const auto all = parse_challenges(
      R"(Bearer realm="https://a.example/v2/token",service="a.example",scope="repository:n/m:pull,push")");
  REQUIRE(all.size() == 1);
  CHECK(all[0].scheme == "bearer");
  CHECK(all[0].parameter("realm") == "https://a.example/v2/token");
  CHECK(all[0].parameter("service") == "a.example");
  CHECK(all[0].parameter("scope") == "repository:n/m:pull,push");
  CHECK(all[0].parameter("absent").empty());
}

TEST_CASE("challenge: names are whole words, in any case, in any order") {
  const auto all = parse_challenges(R"(BEARER foorealm="no", REALM = "yes" ,scope=plain)");
  REQUIRE(all.size() == 1);
  CHECK(all[0].parameter("realm") == "yes");
  CHECK(all[0].parameter("scope") == "plain");
}

TEST_CASE("challenge: quotes inside, escapes, and several schemes") {
  const auto all =
      parse_challenges(R"(Basic realm="the "inner" door", Bearer realm="a\"b", Negotiate)");
  REQUIRE(all.size() == 3);
  CHECK(all[0].parameter("realm") == "the \"inner\" door");
  CHECK(all[1].parameter("realm") == "a\"b");
  CHECK(all[2].scheme == "negotiate");
  const auto headers = challenges_of({{"www-authenticate", "Basic realm=\"x\""},
                                      {"other", "Digest a=\"b\""},
                                      {"www-authenticate", "Bearer realm=\"y\""}});
  REQUIRE(headers.size() == 2);
  CHECK(headers[1].scheme == "bearer");
}

TEST_CASE("challenge: what cannot be read is left out, whatever it is") {
  CHECK(parse_challenges("").empty());
  CHECK(parse_challenges("\"\"").empty());
  CHECK(parse_challenges("=x").empty());
  CHECK(parse_challenges("Bearer realm=\"never ends").at(0).parameters.empty());
  CHECK(parse_challenges(std::string(5000, 'a') + " " + std::string(5000, ',')).size() == 1);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "s" + std::to_string(i) + ", ";
  CHECK(parse_challenges(many).size() <= 16);
}
