#include "base/names.h"

#include <catch2/catch.hpp>

using namespace hearth;

TEST_CASE("names and enumerators belong together by their order") {
  enum class Colour { red, green };
  constexpr std::array<std::string_view, 2> names = {"red", "green"};
  REQUIRE(enumerator_named<Colour>("green", names) == Colour::green);
  REQUIRE_FALSE(enumerator_named<Colour>("Green", names));
  REQUIRE_FALSE(enumerator_named<Colour>("", names));
}

TEST_CASE("choices read as a sentence") {
  constexpr std::array<std::string_view, 3> names = {"a", "b", "c"};
  REQUIRE(choice_of(names) == "a, b or c");
  REQUIRE(choice_of(std::span(names).first(2)) == "a or b");
  REQUIRE(choice_of(std::span(names).first(1)) == "a");
}
