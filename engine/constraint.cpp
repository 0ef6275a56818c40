#include "engine/constraint.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/constraint/gbnf.h"
#include "engine/constraint/grammar.h"
#include "engine/constraint/json_schema.h"
#include "engine/constraint/json_text.h"
#include "engine/constraint/matcher.h"
#include "engine/constraint/regex.h"

namespace hearth::engine {
namespace {

constexpr size_t text_bytes_max = 2 << 20;
constexpr size_t states_max = 4096;  // kept while a text is followed
constexpr int parts_depth_max = 4;   // parts of parts

Rules json_object_rules() {
  Rules rules;
  JsonText json(rules);
  const RuleId root = rules.add_rule("root");
  rules.define(root, json.object());
  rules.set_root(root);
  return rules;
}

Rules regex_rules(std::string_view pattern) {
  Rules rules;
  const RuleId root = rules.add_rule("root");
  rules.define(root, rules.automaton(regex_automaton(pattern, RegexUse::whole), Spelling::plain));
  rules.set_root(root);
  return rules;
}

Rules any_rules() {
  Rules rules;
  const RuleId root = rules.add_rule("root");
  rules.define(root, rules.repeat(rules.character(CodeSet::all()), 0, unbounded));
  rules.set_root(root);
  return rules;
}

Rules tag_rules(std::string_view text) {
  Rules rules;
  const RuleId root = rules.add_rule("root");
  rules.define(root, rules.choice({rules.bytes(text),
                                   rules.bytes(fmt::format("{}{}", control_byte, text))}));
  rules.set_root(root);
  return rules;
}

Rules rules_of(const GrammarSource& source, int depth, std::vector<std::string>& warnings);

Rules gbnf_rules(const GrammarSource& source, int depth, std::vector<std::string>& warnings) {
  if (depth > parts_depth_max)
    throw Error(ErrorCode::invalid_argument, "parts of a grammar are nested too deeply");
  std::vector<NamedRules> parts;
  for (const GrammarSource& part : source.parts)
    parts.push_back({part.name, rules_of(part, depth + 1, warnings)});
  return parse_gbnf(source.text, parts);
}

Rules rules_of(const GrammarSource& source, int depth, std::vector<std::string>& warnings) {
  if (source.text.size() > text_bytes_max) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a grammar of {} bytes: at most {} are possible", source.text.size(),
                            text_bytes_max));
  }
  switch (source.kind) {
    case GrammarKind::json_object:
      return json_object_rules();
    case GrammarKind::json_schema:
      return parse_json_schema(source.text, source.is_best_effort, warnings);
    case GrammarKind::gbnf:
      return gbnf_rules(source, depth, warnings);
    case GrammarKind::regex:
      return regex_rules(source.text);
    case GrammarKind::tag:
      return tag_rules(source.text);
    case GrammarKind::anything:
      return any_rules();
  }
  throw Error(ErrorCode::invalid_argument, "a grammar of an unknown kind");
}

}  // namespace

// Shared: see the header.
std::shared_ptr<const Grammar> compile_grammar(const GrammarSource& source,
                                               std::vector<std::string>* warnings) {
  std::vector<std::string> own_warnings;
  const Rules rules = rules_of(source, 0, warnings != nullptr ? *warnings : own_warnings);
  auto grammar = std::make_shared<Grammar>();
  grammar->program = make_program(rules);
  return grammar;
}

std::string mismatch(const Grammar& grammar, std::string_view text) {
  TerminalPool pool;
  Matcher matcher(grammar.program, pool);
  Matcher::State state = matcher.start();
  for (size_t i = 0; i < text.size(); ++i) {
    const Matcher::State next = matcher.step(state, static_cast<uint8_t>(text[i]));
    if (next == Matcher::dead) {
      const size_t begin = i > 20 ? i - 20 : 0;
      return fmt::format("byte {}: \"{}\" cannot be followed by \"{}\"", i,
                         text.substr(begin, i - begin), text.substr(i, 10));
    }
    state = matcher.state_count() > states_max ? matcher.forget_others(next) : next;
  }
  return matcher.can_end(state)
             ? ""
             : fmt::format("the text ends too early, behind byte {}", text.size());
}

bool matches(const Grammar& grammar, std::string_view text) {
  return mismatch(grammar, text).empty();
}

}  // namespace hearth::engine
