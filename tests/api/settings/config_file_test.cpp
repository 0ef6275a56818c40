// The lines of a settings file: what is understood, and where a mistake is.
#include "api/settings/config_file.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace hearth::api;

TEST_CASE("values bare, quoted and in lists") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a = b", "b"},
      {"a=b", "b"},
      {"  a  =  b c  # d", "b c"},
      {"a = \"b # c\" # d", "b # c"},
      {"a = 'b \\ c'", "b \\ c"},
      {"a = \"b\\\"c\\\\\"", "b\"c\\"},
      {"a = []", ""},
      {"a = [ \"x\", 'y' , z ]", "x,y,z"},
      {"a =", ""},
      {"a = \"\"", ""},
      {"a = b\r", "b"},
      {"\xef\xbb\xbf"
       "a = b",
       "b"},
  };
  for (const auto& [text, value] : cases) {
    INFO(text);
    const auto lines = parse_config_text(text);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].key == "a");
    CHECK(lines[0].value == value);
    CHECK(lines[0].number == 1);
  }
  CHECK(parse_config_text("").empty());
  CHECK(parse_config_text("\n# a\n; b\n   \n").empty());
  CHECK(parse_config_text("\n\na = b").at(0).number == 3);
}

TEST_CASE("what is no setting is named with its line") {
  for (const char* text : {"word", "= value", "[section]", "a = \"open", "a = [x", "a = \"x\" y",
                           "a = [x] y", "a = 'x"}) {
    INFO(text);
    CHECK_THROWS_WITH(parse_config_text(std::string("\n") + text),
                      Catch::Contains("line 2: expected"));
  }
}
