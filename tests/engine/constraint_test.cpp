#include "engine/constraint.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/error.h"

namespace hearth::engine {
namespace {

TEST_CASE("constraint: any JSON object") {
  const auto grammar = compile_grammar({GrammarKind::json_object, "", false});
  for (const char* text :
       {"{}", "{ }", "{\"a\":1}", "{\n  \"a\": null\n}", "{\"a\":{\"b\":[]}}",
        "{\"a\": [1, -2.5e3, \"x\\\"y\\u00e9\xC3\xA9\\ud83d\\ude00\"], \"c\":true}"}) {
    CHECK(mismatch(*grammar, text) == "");
  }
  for (const char* text :
       {"", "[1]", "{\"a\":01}", "{\"a\":1", "{\"a\" :1}", "{} ", "{\"a\":\"\\ud83d\"}",
        "{\"a\":\"\n\"}", "{\"a\":\"\xFF\"}", "{,}", "{\"a\":1,}"}) {
    CHECK_FALSE(matches(*grammar, text));
  }
}

TEST_CASE("constraint: a deep text is followed to its end") {
  const auto grammar = compile_grammar({});
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "{\"a\":[";
  CHECK_FALSE(matches(*grammar, text));
  for (int i = 0; i < 3000; ++i) text += "]}";
  CHECK(matches(*grammar, text));
}

}  // namespace
}  // namespace hearth::engine
