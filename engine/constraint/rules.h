// A grammar while it is being written down: rules whose bodies are expressions over bytes. Every
// front end (schema, GBNF, regex) makes one of these; program.h turns it into what is followed.
// Expressions and rules are numbers; those of one Rules object only fit each other.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/constraint/code_set.h"

namespace hearth::engine {

using ExprId = int32_t;
using RuleId = int32_t;

constexpr int64_t unbounded = -1;

// Characters (code points) and what follows them: a deterministic automaton over code points. State
// 0 is the start.
struct CodeAutomaton {
  struct Edge {
    CodeRange range;
    int32_t target = 0;
  };
  struct State {
    std::vector<Edge> edges;  // sorted, disjoint
    bool accepts = false;
  };
  std::vector<State> states;
};

// How the characters of an automaton appear in the text.
enum class Spelling : uint8_t {
  plain,        // UTF-8
  json_string,  // inside a JSON string: UTF-8 but for what must be escaped, in its shortest escape
};

class Rules {
 public:
  enum class Kind : uint8_t {
    empty,      // the empty text
    never,      // no text at all
    bytes,      // exactly these
    character,  // one of a set, in UTF-8
    sequence,
    choice,
    repeat,     // least..most times, most may be unbounded
    call,       // of a rule
    atom,       // its child, kept apart from its neighbours so that its masks are shared
    counted,    // least..most of its child, which must be prefix-free and regular; kept apart
    automaton,  // of characters; kept apart
  };
  struct Expr {
    Kind kind = Kind::empty;
    int32_t first = 0;  // children, or bytes, set, rule, automaton
    int32_t count = 0;
    int64_t least = 0;
    int64_t most = 0;
  };
  struct Rule {
    std::string name;
    ExprId body = -1;  // -1: not defined
  };

  // All throw Error{unsupported} when the grammar grows beyond what is reasonable.
  ExprId empty() { return add({}); }
  ExprId never() { return add({Kind::never}); }
  ExprId bytes(std::string_view text);
  ExprId character(CodeSet set);
  ExprId sequence(std::span<const ExprId> parts);
  ExprId sequence(std::initializer_list<ExprId> parts) {
    return sequence(std::span(parts.begin(), parts.size()));
  }
  ExprId choice(std::span<const ExprId> parts);
  ExprId choice(std::initializer_list<ExprId> parts) {
    return choice(std::span(parts.begin(), parts.size()));
  }
  ExprId repeat(ExprId part, int64_t least, int64_t most);
  ExprId optional(ExprId part) { return repeat(part, 0, 1); }
  ExprId atom(ExprId part);
  ExprId counted(ExprId part, int64_t least, int64_t most);
  ExprId automaton(CodeAutomaton automaton, Spelling spelling);
  RuleId add_rule(std::string name);
  void define(RuleId rule, ExprId body) { rules_[static_cast<size_t>(rule)].body = body; }
  ExprId call(RuleId rule);
  // All of the other rules, beside those that are there. Their root.
  RuleId append(const Rules& other);
  void set_root(RuleId rule) { root_ = rule; }

  const Expr& expr(ExprId id) const { return exprs_[static_cast<size_t>(id)]; }
  std::span<const ExprId> children(const Expr& expr) const {
    return std::span(children_).subspan(static_cast<size_t>(expr.first),
                                        static_cast<size_t>(expr.count));
  }
  std::string_view bytes_of(const Expr& expr) const {
    return std::string_view(bytes_).substr(static_cast<size_t>(expr.first),
                                           static_cast<size_t>(expr.count));
  }
  const CodeSet& set_of(const Expr& expr) const { return sets_[static_cast<size_t>(expr.first)]; }
  const CodeAutomaton& automaton_of(const Expr& expr) const {
    return automata_[static_cast<size_t>(expr.first)];
  }
  static Spelling spelling_of(const Expr& expr) { return static_cast<Spelling>(expr.count); }
  std::span<const Rule> rules() const { return rules_; }
  RuleId root() const { return root_; }

 private:
  ExprId add(const Expr& expr);
  ExprId add_list(Kind kind, std::span<const ExprId> parts);

  std::vector<Expr> exprs_;
  std::vector<ExprId> children_;
  std::string bytes_;
  std::vector<CodeSet> sets_;
  std::vector<CodeAutomaton> automata_;
  int64_t automaton_states_ = 0;
  std::vector<Rule> rules_;
  RuleId root_ = 0;
};

}  // namespace hearth::engine
