#include "engine/tokenizer/unicode.h"

#include <catch2/catch.hpp>

namespace hearth::engine {

TEST_CASE("characters by class", "[tokenizer]") {
  using enum CodePointClass;
  CHECK(code_point_class('a') == other);
  CHECK(code_point_class('!') == punctuation);
  CHECK(code_point_class('+') == other);  // a symbol
  CHECK(code_point_class(0x3002) == punctuation);
  CHECK(code_point_class(0x1F) == control);
  CHECK(code_point_class(0x200B) == control);
  CHECK(code_point_class(0xE000) == control);
  CHECK(code_point_class(0x301) == accent);
  CHECK(code_point_class(0x10FFFF) == other);  // not assigned
  CHECK(is_white_space(' '));
  CHECK(is_white_space(0x3000));
  CHECK_FALSE(is_white_space(0x180E));
  CHECK(is_cjk(0x4E16));
  CHECK_FALSE(is_cjk(0x30AB));
}

TEST_CASE("lower case and letters without accents", "[tokenizer]") {
  CHECK(lower_case('Z') == 'z');
  CHECK(lower_case(0xC0) == 0xE0);
  CHECK(lower_case(0x100) == 0x101);
  CHECK(lower_case(0x101) == 0x101);
  CHECK(lower_case(0x130) == 'i');
  CHECK(lower_case(0x1E9E) == 0xDF);
  CHECK(lower_case(0x10400) == 0x10428);
  CHECK(base_character(0xE9) == 'e');
  CHECK(base_character(0x1EC7) == 'e');  // two accents
  CHECK(base_character(0xAC01) == 0x1100);
  CHECK(base_character(0xD7A3) == 0x1112);
  CHECK(base_character(0xF900) == 0x8C48);
  CHECK(base_character('e') == 'e');
}

}  // namespace hearth::engine
