#include "engine/constraint/json_text.h"

#include "base/utf8.h"
#include "engine/constraint/byte_nfa.h"

namespace hearth::engine {
namespace {

constexpr int64_t indent_max = 20;

CodeSet set_of(std::initializer_list<CodeRange> ranges) {
  return CodeSet(std::vector<CodeRange>(ranges));
}

}  // namespace

std::string json_quoted(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    if (json_plain_characters().contains(point.value)) {
      append_utf8(quoted, point.value);
    } else {
      quoted += json_escape(point.value);
    }
    text.remove_prefix(static_cast<size_t>(point.size_bytes));
  }
  return quoted + '"';
}

JsonText::JsonText(Rules& rules) : rules_(rules) {
  // A choice of two and not one character: runs of characters are counted (program.cpp), which
  // would keep these apart from their neighbours.
  const ExprId indent =
      rules.repeat(rules.choice({rules.bytes(" "), rules.bytes("\t")}), 0, indent_max);
  blank_ =
      rules.choice({rules.empty(), rules.bytes(" "), rules.sequence({rules.bytes("\n"), indent})});
}

// A character of a JSON string in every spelling. Escaped surrogates come in pairs only: they are
// one character.
ExprId JsonText::character() {
  if (character_) return *character_;
  Rules& r = rules_;
  const auto digit = [&](std::initializer_list<CodeRange> ranges) {
    return r.character(set_of(ranges));
  };
  const ExprId hex = digit({{'0', '9'}, {'a', 'f'}, {'A', 'F'}});
  const ExprId two = r.repeat(hex, 2, 2);
  const ExprId plain = r.sequence(
      {r.bytes("\\u"),
       r.choice({r.sequence({digit({{'0', '9'}, {'a', 'c'}, {'A', 'C'}, {'e', 'f'}, {'E', 'F'}}),
                             hex, two}),
                 r.sequence({digit({{'d', 'd'}, {'D', 'D'}}), digit({{'0', '7'}}), two})})});
  const ExprId lead = digit({{'d', 'd'}, {'D', 'D'}});
  const ExprId pair = r.sequence({r.bytes("\\u"), lead, digit({{'8', '9'}, {'a', 'b'}, {'A', 'B'}}),
                                  two, r.bytes("\\u"), lead, digit({{'c', 'f'}, {'C', 'F'}}), two});
  const ExprId short_escape = r.sequence({r.bytes("\\"), digit({{'"', '"'},
                                                                {'/', '/'},
                                                                {'\\', '\\'},
                                                                {'b', 'b'},
                                                                {'f', 'f'},
                                                                {'n', 'n'},
                                                                {'r', 'r'},
                                                                {'t', 't'}})});
  character_ = r.choice({r.character(json_plain_characters()), short_escape, plain, pair});
  return *character_;
}

ExprId JsonText::string() {
  if (!string_) {
    string_ = rules_.atom(rules_.sequence(
        {rules_.bytes("\""), rules_.repeat(character(), 0, unbounded), rules_.bytes("\"")}));
  }
  return *string_;
}

ExprId JsonText::string(int64_t characters_least, int64_t characters_most) {
  if (characters_least == 0 && characters_most == unbounded) return string();
  return rules_.sequence({rules_.bytes("\""),
                          rules_.counted(character(), characters_least, characters_most),
                          rules_.bytes("\"")});
}

ExprId JsonText::integer() {
  if (integer_) return *integer_;
  Rules& r = rules_;
  const ExprId digits = r.sequence(
      {r.character(set_of({{'1', '9'}})), r.repeat(r.character(set_of({{'0', '9'}})), 0, 15)});
  integer_ = r.atom(r.choice({r.bytes("0"), r.sequence({r.optional(r.bytes("-")), digits})}));
  return *integer_;
}

ExprId JsonText::number() {
  if (number_) return *number_;
  Rules& r = rules_;
  const ExprId digit = r.character(set_of({{'0', '9'}}));
  const ExprId whole = r.choice(
      {r.bytes("0"), r.sequence({r.character(set_of({{'1', '9'}})), r.repeat(digit, 0, 15)})});
  const ExprId fraction = r.sequence({r.bytes("."), r.repeat(digit, 1, 16)});
  const ExprId exponent = r.sequence({r.character(set_of({{'e', 'e'}, {'E', 'E'}})),
                                      r.optional(r.character(set_of({{'+', '+'}, {'-', '-'}}))),
                                      r.repeat(digit, 1, 2)});
  number_ = r.atom(
      r.sequence({r.optional(r.bytes("-")), whole, r.optional(fraction), r.optional(exponent)}));
  return *number_;
}

ExprId JsonText::key(std::string_view name) {
  return key(rules_.bytes(json_quoted(name)));
}

ExprId JsonText::key(ExprId quoted_name) {
  return rules_.sequence({quoted_name, rules_.bytes(":"), blank_});
}

ExprId JsonText::value() {
  if (value_) return *value_;
  const RuleId rule = rules_.add_rule("value");
  value_ = rules_.call(rule);
  const ExprId word =
      rules_.choice({rules_.bytes("true"), rules_.bytes("false"), rules_.bytes("null")});
  rules_.define(rule, rules_.choice({string(), number(), object(), array(), word}));
  return *value_;
}

ExprId JsonText::object() {
  if (object_) return *object_;
  const RuleId rule = rules_.add_rule("object");
  object_ = rules_.call(rule);
  Rules& r = rules_;
  const ExprId member = r.sequence({key(string()), value()});
  const ExprId more = r.repeat(r.sequence({r.bytes(","), blank_, member}), 0, unbounded);
  r.define(rule, r.sequence({r.bytes("{"), blank_, r.optional(r.sequence({member, more, blank_})),
                             r.bytes("}")}));
  return *object_;
}

ExprId JsonText::array() {
  if (array_) return *array_;
  const RuleId rule = rules_.add_rule("array");
  array_ = rules_.call(rule);
  Rules& r = rules_;
  const ExprId more = r.repeat(r.sequence({r.bytes(","), blank_, value()}), 0, unbounded);
  r.define(rule, r.sequence({r.bytes("["), blank_, r.optional(r.sequence({value(), more, blank_})),
                             r.bytes("]")}));
  return *array_;
}

}  // namespace hearth::engine
