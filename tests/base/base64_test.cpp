// The vectors of RFC 4648, section 10.
#include "base/base64.h"

#include <catch2/catch.hpp>
#include <span>
#include <string_view>

using namespace hearth;

TEST_CASE("base64: the vectors of the RFC, and bytes that are no text") {
  const auto encode = [](std::string_view text) {
    return encode_base64(std::as_bytes(std::span(text.data(), text.size())));
  };
  CHECK(encode("") == "");
  CHECK(encode("f") == "Zg==");
  CHECK(encode("fo") == "Zm8=");
  CHECK(encode("foo") == "Zm9v");
  CHECK(encode("foob") == "Zm9vYg==");
  CHECK(encode("fooba") == "Zm9vYmE=");
  CHECK(encode("foobar") == "Zm9vYmFy");
  CHECK(encode("\xff\xfe\xfd") == "//79");
}

TEST_CASE("base64: what was written is read again, and nothing else") {
  for (std::string_view text : {"", "f", "fo", "foo", "foob", "fooba", "foobar", "\xff\xfe\xfd"})
    CHECK(decode_base64(encode_base64(text)) == std::string(text));
  for (std::string_view wrong : {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "=", "====", "Zg==Zg==",
                                 "Zm9v\n", "Zm 9v", "Zm9-", "Zm9\xff", "Zm9vY"}) {
    CAPTURE(wrong);
    CHECK_FALSE(decode_base64(wrong).has_value());
  }
}
