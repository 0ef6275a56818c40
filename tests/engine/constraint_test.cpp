#include "engine/constraint.h"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

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

struct Case {
  GrammarKind kind;
  const char* grammar;
  std::vector<const char*> accepted;
  std::vector<const char*> refused;
};

const Case cases[] = {
    {GrammarKind::gbnf,
     "# a comment\nroot ::= ( \"a\" |\n  \"b\" # another\n)* x\nx ::= \"\\x41\\u00e9\"",
     {"A\xC3\xA9", "abA\xC3\xA9"},
     {"ab", "A"}},
    {GrammarKind::gbnf,
     "root ::= [^a-c\\]]{2,3} . \"\\\"\"?",
     {"xyz", "xyzz\"", "[d\xC3\xA9"},
     {"abc", "x]z", "xyzzz"}},
    {GrammarKind::gbnf, "root ::= a*\na ::= b?\nb ::= \"x\" a | ", {"", "xxx"}, {"y"}},
    {GrammarKind::gbnf, "root ::= \"(\" root \")\" root | ", {"", "(())()"}, {"(", ")("}},
    {GrammarKind::gbnf,
     "root ::= \"a\" root \"x\" | \"a\" root \"y\" | \"b\"",
     {"b", "aabxy", "aaabyyx"},
     {"ab", "aabx"}},
    {GrammarKind::gbnf,
     "root ::= [0-9]{3,500} \"x\"",
     {"123x", "1234567890123456789012345x"},
     {"12x", "x"}},
    {GrammarKind::regex, "^(foo|ba[rz]+?)\\d{2}$", {"foo12", "bazz34"}, {"foo1", "bar123", ""}},
    {GrammarKind::regex, "[\\w-]+@[^\\s@]{1,5}\\u00e9?", {"a-b@x", "a@b\xC3\xA9"}, {"@x", "a@"}},
    {GrammarKind::regex, "a$|^b|", {"a", "b", ""}, {"ab", "aa"}},
};

TEST_CASE("constraint: grammars and expressions") {
  for (const Case& c : cases) {
    INFO(c.grammar);
    const auto grammar = compile_grammar({c.kind, c.grammar, false});
    for (const char* text : c.accepted) CHECK(mismatch(*grammar, text) == "");
    for (const char* text : c.refused) {
      INFO(text);
      CHECK_FALSE(matches(*grammar, text));
    }
  }
}

TEST_CASE("constraint: what is wrong with a grammar is said") {
  const std::tuple<GrammarKind, const char*, const char*> rows[] = {
      {GrammarKind::gbnf, "root ::= \"a\"\nx ::= [a", "line 2"},
      {GrammarKind::gbnf, "root ::= \"a\" y", "\"y\" is used and not defined"},
      {GrammarKind::gbnf, "x ::= \"a\"", "no rule \"root\""},
      {GrammarKind::gbnf, "root ::= root \"a\" | \"b\"", "left recursion"},
      {GrammarKind::gbnf, "root ::= x root | \"b\"\nx ::= \"a\"?", "left recursion"},
      {GrammarKind::gbnf, "root ::= \"a\" root", "no text can satisfy"},
      {GrammarKind::gbnf, "root ::= \"a\"{3,2}", "fewer than the least"},
      {GrammarKind::gbnf, "root ::= \"a\"\nroot ::= \"b\"", "defined twice"},
      {GrammarKind::gbnf, "root ::= <think>", "tokens"},
      {GrammarKind::gbnf, "root ::= \"\\q\"", "escape"},
      {GrammarKind::regex, "(?=a)", "look-around"},
      {GrammarKind::regex, "(a)\\1", "back references"},
      {GrammarKind::regex, "a)", "without its ("},
      {GrammarKind::regex, "*", "repetition of nothing"},
      {GrammarKind::regex, "a{99999}", "repetitions"},
  };
  for (const auto& [kind, text, message] : rows) {
    INFO(text);
    std::string said;
    try {
      compile_grammar({kind, text, false});
    } catch (const Error& error) {
      said = error.what();
    }
    CHECK_THAT(said, Catch::Contains(message));
  }
}

TEST_CASE("constraint: parts of a grammar are grammars of their own") {
  GrammarSource calls{GrammarKind::gbnf,
                      "root ::= call ( [\\n]? call )*\ncall ::= open p-1 \"</call>\""};
  GrammarSource arguments{
      GrammarKind::json_schema,
      R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]})"};
  arguments.name = "p-1";
  GrammarSource open{GrammarKind::tag, "<call>"};
  open.name = "open";
  calls.parts = {arguments, open};
  const auto grammar = compile_grammar(calls);
  CHECK(matches(*grammar, R"(<call>{"a":1}</call>)"));
  CHECK(matches(*grammar, "<call>{\"a\":1}</call>\n<call>{\"a\":2}</call>"));
  for (const char* wrong : {R"({"a":1})", R"(<call>{"a":"1"}</call>)", R"(<call>{"a":1})"})
    CHECK_FALSE(matches(*grammar, wrong));

  GrammarSource either{GrammarKind::gbnf, "root ::= word | call"};
  calls.name = "call";
  GrammarSource word{GrammarKind::regex, "yes|no"};
  word.name = "word";
  either.parts = {word, calls};
  const auto both = compile_grammar(either);
  CHECK(matches(*both, "no"));
  CHECK(matches(*both, R"(<call>{"a":1}</call>)"));
  CHECK_FALSE(matches(*both, R"(no<call>{"a":1}</call>)"));

  either.parts.pop_back();
  CHECK_THROWS_WITH(compile_grammar(either), Catch::Contains("\"call\" is used and not defined"));
  for (int i = 0; i < 10; ++i) {
    GrammarSource outer{GrammarKind::gbnf, "root ::= word"};
    either.name = "word";
    outer.parts = {either};
    either = outer;
  }
  CHECK_THROWS_WITH(compile_grammar(either), Catch::Contains("nested too deeply"));
}

TEST_CASE("constraint: hostile grammars end soon") {
  std::string chain = "root ::= r0\n";
  for (int i = 0; i < 3000; ++i)
    chain += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
  chain += "r3000 ::= \"a\"\n";
  std::string twice = "root ::= d0\n";
  for (int i = 0; i < 60; ++i) {
    const std::string next = "d" + std::to_string(i + 1);
    twice += "d" + std::to_string(i) + " ::= " + next + " " + next + "\n";
  }
  twice += "d60 ::= \"a\"\n";
  const std::string rows[] = {
      chain,
      twice,
      "root ::= " + std::string(5000, '('),
      "root ::= \"a\"" + std::string(5000, '*'),
      "root ::= ((((\"a\"{1,90}){1,90}){1,90}){1,90}){1,90}",
      "root ::= (\"a\" root \"b\" | \"a\" root \"c\" | \"a\")*",
      "root ::= s\ns ::= \"a\" s s | \"a\" s | \"a\" | \"\"",
      "root ::= ([a-z]{0,500} [a-y]{0,500} [a-x]{0,500})*",
  };
  const std::string text(40, 'a');
  for (const std::string& row : rows) {
    try {
      matches(*compile_grammar({GrammarKind::gbnf, row, false}), text);
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace hearth::engine
