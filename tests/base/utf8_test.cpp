// UTF-8 decoding: every length, every way to be malformed, and prefixes of streams.
#include "base/utf8.h"

#include <catch2/catch.hpp>

using namespace hearth;

TEST_CASE("every scalar value survives encoding and decoding") {
  for (uint32_t c = 0; c <= 0x10FFFF; c += (c < 0x3000 ? 1 : 37)) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, c);
    const CodePoint decoded = decode_utf8(text);
    if (!decoded.is_valid || decoded.value != c ||
        static_cast<size_t>(decoded.size_bytes) != text.size()) {
      FAIL("code point " << c);
    }
  }
}

TEST_CASE("malformed sequences are one replacement per byte") {
  for (const char* text :
       {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "\xC3"}) {
    INFO(text);
    CHECK_FALSE(is_valid_utf8(text));
    CHECK_FALSE(decode_utf8(text).is_valid);
    CHECK(decode_utf8(text).size_bytes == 1);
  }
  CHECK(repair_utf8("a\xFF"
                    "b") ==
        "a\xEF\xBF\xBD"
        "b");
}

TEST_CASE("a prefix never ends inside a code point") {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
  for (size_t length = 0; length <= text.size(); ++length) {
    CHECK(complete_utf8_prefix(std::string_view(text).substr(0, length)) == expected[length]);
  }
}

TEST_CASE("bytes that can never become a code point are not held back") {
  CHECK(complete_utf8_prefix("a\xFF") == 2);
  CHECK(complete_utf8_prefix("\xE0\x80") == 2);
  CHECK(complete_utf8_prefix("\x80\x80\x80") == 3);
}
