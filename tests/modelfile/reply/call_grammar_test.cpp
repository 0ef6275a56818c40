// Grammars of calls: where they are and what they consist of. Whether everything that they allow is
// read as a call is seen where the engine is at hand (tests/daemon/answer_constraint_test.cpp).
#include <catch2/catch.hpp>

#include "modelfile/reply/grammar_text.h"
#include "modelfile/reply/styles.h"
#include "modelfile/reply_parser.h"

using namespace hearth::modelfile;
using Kind = CallGrammar::Part::Kind;

namespace {

ReplyStyle style_named(std::string_view name) {
  ReplyStyle style;
  style.call_style = name;
  style.tools = {Json::parse(R"({"function": {"name": "f", "parameters": {
    "$defs": {"n": {"type": "integer"}}, "properties": {"a": {"type": "string"},
    "b": {"$ref": "#/$defs/n", "type": "integer"}}, "required": ["a"]}}})"),
                 Json::parse(R"({"function": {"name": "g"}})")};
  return style;
}

bool has(const CallGrammar& grammar, Kind kind, std::string_view text) {
  for (const CallGrammar::Part& part : grammar.parts) {
    if (part.kind == kind && part.text == text) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("call grammars: schemas and tags are parts of their own") {
  const auto hermes = call_grammar(style_named("hermes"), "", false);
  REQUIRE(hermes);
  CHECK(has(*hermes, Kind::tag, "<tool_call>"));
  CHECK(has(*hermes, Kind::tag, "</tool_call>"));
  CHECK(has(*hermes, Kind::schema, R"({"type":"object"})"));
  CHECK(hermes->parts.size() == 4);
  CHECK(hermes->text.find(R"("\"f\"")") != std::string::npos);
  // A schema that is torn out of the tool's keeps the definitions it refers to.
  const auto tagged = call_grammar(style_named("qwen_xml"), "f", true);
  REQUIRE(tagged);
  CHECK(has(*tagged, Kind::schema,
            R"({"$ref":"#/$defs/n","type":"integer","$defs":{"n":{"type":"integer"}}})"));
}

TEST_CASE("call grammars: absent where a style has none, or no tool of that name is there") {
  CHECK_FALSE(call_grammar(style_named("minimax_m3"), "f", true));
  CHECK_FALSE(call_grammar(style_named("glimmer"), "f", true));
  CHECK_FALSE(call_grammar(style_named("hermes"), "nobody", true));
  for (const auto& row : reply::call_styles()) {
    const bool is_without = row.name == "minimax_m3" || row.name == "glimmer";
    INFO(row.name);
    CHECK(call_grammar(style_named(row.name), "", false).has_value() != is_without);
  }
}

TEST_CASE("call grammars: tags in a literal, the longest first") {
  reply::GrammarText text({"<a>", "<a><b>", "{", "[T]"});
  CHECK(text.literal("x<a><b>{[T]\"\n") == R"("x" p0 "{" p1 "\"\n")");
}
