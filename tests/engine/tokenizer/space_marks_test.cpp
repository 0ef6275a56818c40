#include "engine/tokenizer/space_marks.h"

#include <catch2/catch.hpp>

namespace hearth::engine {

TEST_CASE("spaces are marked and unmarked", "[tokenizer]") {
  CHECK(mark_spaces("a b  c ", false) == "a\u2581b\u2581\u2581c\u2581");
  CHECK(mark_spaces("a", true) == "\u2581a");
  CHECK(mark_spaces("", false).empty());
  CHECK(unmark_spaces("\u2581a\u2581\u2581b") == " a  b");
  CHECK(unmark_spaces("\xE2\x96") == "\xE2\x96");
}

TEST_CASE("words begin at marks", "[tokenizer]") {
  CHECK_FALSE(has_inner_mark("\u2581\u2581ab"));
  CHECK(has_inner_mark("a\u2581"));
  const std::string text = "a\u2581b\u2581\u2581cd";
  CHECK(next_word(text, 0) == 1);
  CHECK(next_word(text, 1) == 5);
  CHECK(next_word(text, 5) == text.size());
  CHECK(next_word("\u2581\u2581", 0) == 6);
}

}  // namespace hearth::engine
