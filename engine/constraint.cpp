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

Rules rules_of(const GrammarSource& source, std::vector<std::string>& warnings) {
  switch (source.kind) {
    case GrammarKind::json_object:
      return json_object_rules();
    case GrammarKind::json_schema:
      return parse_json_schema(source.text, source.is_best_effort, warnings);
    case GrammarKind::gbnf:
      return parse_gbnf(source.text);
    case GrammarKind::regex:
      return regex_rules(source.text);
  }
  throw Error(ErrorCode::invalid_argument, "a grammar of an unknown kind");
}

// Blanks where models write them between a tag and JSON.
ExprId blanks(Rules& rules) {
  const ExprId blank = rules.choice({rules.bytes(" "), rules.bytes("\n")});
  return rules.repeat(blank, 0, 2);
}

// With the text around it, and what else an answer may be.
Rules whole_rules(const GrammarSource& source, std::vector<std::string>& warnings) {
  Rules rules = rules_of(source, warnings);
  if (!source.before.empty() || !source.behind.empty()) {
    const ExprId one =
        rules.sequence({rules.bytes(source.before), blanks(rules), rules.call(rules.root()),
                        blanks(rules), rules.bytes(source.behind)});
    const ExprId more = rules.sequence({blanks(rules), one});
    const ExprId all =
        source.repeats ? rules.sequence({one, rules.repeat(more, 0, unbounded)}) : one;
    const RuleId root = rules.add_rule("with the text around it");
    rules.define(root, all);
    rules.set_root(root);
  }
  for (const GrammarSource& other : source.others) {
    const RuleId other_root = rules.append(whole_rules(other, warnings));
    const RuleId root = rules.add_rule("either");
    rules.define(root, rules.choice({rules.call(rules.root()), rules.call(other_root)}));
    rules.set_root(root);
  }
  return rules;
}

}  // namespace

// Shared: see the header.
std::shared_ptr<const Grammar> compile_grammar(const GrammarSource& source,
                                               std::vector<std::string>* warnings) {
  if (source.text.size() > text_bytes_max) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a grammar of {} bytes: at most {} are possible", source.text.size(),
                            text_bytes_max));
  }
  std::vector<std::string> own_warnings;
  const Rules rules = whole_rules(source, warnings != nullptr ? *warnings : own_warnings);
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
