// The address of a token and what is signed for it, with the specification's vector.
#include "registry/remote/token.h"

#include <array>
#include <catch2/catch.hpp>

#include "base/error.h"
#include "registry/ssh_key.h"

using namespace hearth;
using namespace hearth::registry;

TEST_CASE("token: the address and the signature of the specification's vector") {
  const Challenge challenge{
      "bearer", {{"service", "registry.example"}, {"scope", "repository:library/m:pull"}}};
  const std::string url = token_url(*parse_url("https://registry.example/v2/token"), challenge,
                                    1700000000, "AAECAwQFBgcICQoLDA0ODw");
  CHECK(url ==
        "https://registry.example/v2/token?nonce=AAECAwQFBgcICQoLDA0ODw&"
        "scope=repository%3Alibrary%2Fm%3Apull&service=registry.example&ts=1700000000");
  std::array<std::byte, SshKey::seed_bytes> seed{};
  for (size_t i = 0; i < seed.size(); ++i) seed[i] = std::byte(i);
  CHECK(SshKey(seed).sign_base64(token_text_to_sign(url)) ==
        "W9zHwJHRPakniqvrA3JmUOHh3VjF+/coZzchjRSsA6AfdZUgHmvFqW1BPhOlixmTxm/dKpgS0t366zcc2xLYAg==");
}

TEST_CASE("token: the realm's own query stays, every scope is a key, all in order") {
  const Challenge challenge{"bearer", {{"scope", "b a"}}};
  CHECK(token_url(*parse_url("https://a.example/t?z=1&account=me"), challenge, 5, "n") ==
        "https://a.example/t?account=me&nonce=n&scope=b&scope=a&service=&ts=5&z=1");
}

TEST_CASE("token: nonces are 16 bytes that an address can have") {
  const std::string nonce = make_nonce();
  CHECK(nonce.size() == 22);
  CHECK(nonce.find_first_of("+/=") == std::string::npos);
  CHECK(nonce != make_nonce());
}

TEST_CASE("token: who may get one") {
  const auto same = [](const char* a, const char* b) {
    return is_same_party(*parse_url(a), *parse_url(b));
  };
  CHECK(same("https://a.example/x", "https://a.example:443/y"));
  CHECK(same("https://hf.co/", "https://huggingface.co/"));
  CHECK_FALSE(same("https://a.example/", "http://a.example/"));
  CHECK_FALSE(same("https://a.example/", "https://a.example:8443/"));
  CHECK_FALSE(same("https://a.example/", "https://b.a.example/"));
  CHECK_FALSE(same("http://hf.co/", "http://huggingface.co/"));
  CHECK_FALSE(same("https://hf.co/", "https://evil-huggingface.co/"));
}

TEST_CASE("token: the server's answer") {
  CHECK(parse_token(R"({"token":"abc"})", "a") == "abc");
  CHECK(parse_token(R"({"access_token":"abc","token":""})", "a") == "abc");
  for (const char* body : {"", "[]", "{}", R"({"token":1})", R"({"token":"a\r\nb"})", "null", "{"})
    CHECK_THROWS_AS(parse_token(body, "a"), Error);
}
