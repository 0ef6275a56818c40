// Grammars of calls: their texts, and that every rule they use is there. Whether the engine
// understands them is seen where both are at hand.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "modelfile/reply/schema_rules.h"
#include "modelfile/reply/styles.h"
#include "modelfile/reply_parser.h"

using namespace hearth::modelfile;

namespace {

ReplyStyle style_named(std::string_view name) {
  ReplyStyle style;
  style.call_style = name;
  style.tools = {Json::parse(R"({"function": {"name": "f", "parameters": {"type": "object",
    "properties": {"a": {"type": "string"}, "b": {"enum": [1, "x"]}}, "required": ["a"]}}})"),
                 Json::parse(R"({"function": {"name": "g"}})")};
  return style;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("call grammars: in the words of the style") {
  const auto hermes = call_grammar(style_named("hermes"), {"f"}, false);
  REQUIRE(hermes);
  CHECK(has(*hermes, R"("<tool_call>")"));
  CHECK(has(*hermes, R"("{\"name\": \"f\", \"arguments\": ")"));
  CHECK(has(*hermes, R"("\"a\"" ws ":" ws string)"));
  CHECK(has(*hermes, R"("1" | "\"x\"")"));
  CHECK_FALSE(has(*hermes, "\\\"g\\\""));
  const auto mistral = call_grammar(style_named("mistral_args"), {"f", "g"}, true);
  REQUIRE(mistral);
  CHECK(has(*mistral, R"("f[ARGS]")"));
  CHECK(has(*mistral, R"("g[ARGS]" object)"));
  const auto xml = call_grammar(style_named("qwen_xml"), {"f"}, true);
  REQUIRE(xml);
  CHECK(has(*xml, R"("<parameter=a>")"));
  const auto harmony = call_grammar(style_named("harmony"), {"g"}, true);
  REQUIRE(harmony);
  CHECK(has(*harmony, "to=functions.g"));
  const auto bare = call_grammar(style_named("llama3"), {"g"}, true);
  REQUIRE(bare);
  CHECK_FALSE(has(*bare, "python_tag"));
}

TEST_CASE("call grammars: every rule that is used is there") {
  for (const auto& row : reply::call_styles()) {
    const auto grammar = call_grammar(style_named(row.name), {"f", "g"}, false);
    if (!grammar) continue;
    INFO(row.name << "\n" << *grammar);
    for (int i = 0; has(*grammar, fmt::format(" r{}", i)); ++i)
      CHECK(has(*grammar, fmt::format("\nr{} ::= ", i)));
    CHECK(has(*grammar, "\nr0 ::= "));
  }
}

TEST_CASE("call grammars: absent where a style has none, or no tool of that name is there") {
  CHECK_FALSE(call_grammar(style_named("lfm2"), {"f"}, true));
  CHECK_FALSE(call_grammar(style_named("hermes"), {"nobody"}, true));
  ReplyStyle unknown = style_named("");
  unknown.tool_tag = "<own>";
  CHECK_FALSE(call_grammar(unknown, {"f"}, true));
}

TEST_CASE("call grammars: schemas of any depth and shape end") {
  Json deep = Json::object();
  for (int i = 0; i < 200; ++i)
    deep = {{"type", "object"}, {"properties", {{"x", std::move(deep)}}}};
  reply::SchemaRules rules;
  CHECK(has(rules.add(rules.arguments(deep)), "r"));
  CHECK(rules.value(Json::parse(R"({"type": ["string", "null"]})")).front() == 'r');
  CHECK(rules.value(Json::parse(R"({"$ref": "#/x"})")) == "any");
  CHECK(rules.value(Json::parse(R"({"const": "a\"b"})")) == R"("\"a\\\"b\"")");
  CHECK(rules.value(Json::parse("true")) == "any");
}
