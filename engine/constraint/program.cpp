#include "engine/constraint/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "engine/constraint/rule_graph.h"

namespace hearth::engine {
namespace {

constexpr int64_t merged_states_max = 60'000;  // of one terminal
constexpr int64_t inlined_states_max = 512;    // of a rule that becomes a part of a terminal
constexpr int64_t counted_from = 16;           // repetitions of one character
constexpr int64_t repetitions_max = 100'000;   // of what is not regular
constexpr int32_t depth_max = 200;             // of rules inside one another in a terminal

// What a part of a grammar is when it is looked at as a regular expression.
struct Shape {
  bool is_regular = false;
  bool has_loop = false;
  int64_t states = 0;
};
constexpr Shape not_regular{};

class ProgramBuilder {
 public:
  explicit ProgramBuilder(const Rules& rules) : rules_(rules), shapes_(rules.rules().size()) {}

  Program build() {
    const auto root = rules_.root();
    program_.root = number_of(root);
    for (size_t i = 0; i < waiting_.size(); ++i) {
      const ExprId body = waiting_[i];
      const auto [start, end] = graph_.add_rule();
      add(body, start, end);
    }
    graph_.finish(program_, names_);
    return std::move(program_);
  }

 private:
  struct RuleShape {
    Shape shape;
    bool is_known = false;
    bool is_open = false;
  };

  ExprId body_of(RuleId rule) const {
    const ExprId body = rules_.rules()[static_cast<size_t>(rule)].body;
    HEARTH_CHECK(body >= 0);
    return body;
  }
  uint32_t number_of(RuleId rule);
  uint32_t number_of_body(ExprId body, const std::string& name);
  Shape shape_of_rule(RuleId rule, int32_t depth);
  Shape shape_of(ExprId expr, int32_t depth);
  Shape shape_of_parts(const Rules::Expr& expr, int32_t depth);
  Shape shape_of_repeat(const Rules::Expr& expr, int32_t depth);
  // Of a rule that is a terminal by itself.
  bool is_terminal_rule(RuleId rule) { return shape_of_rule(rule, 0).is_regular; }

  void add(ExprId expr, uint32_t from, uint32_t to);
  void add_sequence(std::span<const ExprId> parts, uint32_t from, uint32_t to);
  void add_choice(std::span<const ExprId> parts, uint32_t from, uint32_t to);
  void add_repeat(ExprId id, uint32_t from, uint32_t to);
  void add_run(std::span<const ExprId> parts, uint32_t from, uint32_t to);
  void add_terminal(std::span<const ExprId> alternatives, uint32_t from, uint32_t to);
  void add_counted(const Rules::Expr& expr, uint32_t from, uint32_t to);
  std::optional<uint32_t> terminal_of(Program::Terminal terminal);

  const Rules& rules_;
  std::vector<RuleShape> shapes_;
  Program program_;
  RuleGraph graph_;
  // By the numbers of the program's rules.
  std::vector<ExprId> waiting_;  // bodies
  std::vector<std::string> names_;
  std::unordered_map<ExprId, uint32_t> numbers_;            // by body
  std::map<std::string, std::vector<uint32_t>> terminals_;  // by key
};

uint32_t ProgramBuilder::number_of(RuleId rule) {
  return number_of_body(body_of(rule), rules_.rules()[static_cast<size_t>(rule)].name);
}

uint32_t ProgramBuilder::number_of_body(ExprId body, const std::string& name) {
  const auto [place, is_new] = numbers_.emplace(body, static_cast<uint32_t>(waiting_.size()));
  if (is_new) {
    waiting_.push_back(body);
    names_.push_back(name);
  }
  return place->second;
}

Shape ProgramBuilder::shape_of_rule(RuleId rule, int32_t depth) {
  RuleShape& known = shapes_[static_cast<size_t>(rule)];
  if (known.is_known) return known.shape;
  if (known.is_open || depth > depth_max) return not_regular;
  known.is_open = true;
  const Shape shape = shape_of(body_of(rule), depth + 1);
  known = {shape, true, false};
  return shape;
}

Shape ProgramBuilder::shape_of(ExprId id, int32_t depth) {
  const Rules::Expr& expr = rules_.expr(id);
  switch (expr.kind) {
    case Rules::Kind::empty:
    case Rules::Kind::never:
      return {true, false, 0};
    case Rules::Kind::bytes:
      return {true, false, expr.count};
    case Rules::Kind::character:
      return {true, false, 1 + 4 * std::ssize(rules_.set_of(expr).ranges())};
    case Rules::Kind::sequence:
    case Rules::Kind::choice:
      return shape_of_parts(expr, depth);
    case Rules::Kind::repeat:
      return shape_of_repeat(expr, depth);
    case Rules::Kind::call: {
      // A rule with a loop stays a terminal of its own.
      Shape shape = shape_of_rule(expr.first, depth + 1);
      ++shape.states;  // so that chains of calls end
      return !shape.has_loop && shape.states <= inlined_states_max ? shape : not_regular;
    }
    case Rules::Kind::atom:
    case Rules::Kind::counted:
    case Rules::Kind::automaton:
      return not_regular;
  }
  return not_regular;
}

Shape ProgramBuilder::shape_of_parts(const Rules::Expr& expr, int32_t depth) {
  Shape all{true, false, 0};
  for (const ExprId part : rules_.children(expr)) {
    const Shape shape = shape_of(part, depth + 1);
    all.is_regular = all.is_regular && shape.is_regular;
    all.has_loop = all.has_loop || shape.has_loop;
    all.states += shape.states + 1;
  }
  return all.is_regular && all.states <= merged_states_max ? all : not_regular;
}

Shape ProgramBuilder::shape_of_repeat(const Rules::Expr& expr, int32_t depth) {
  Shape shape = shape_of(expr.first, depth + 1);
  if (!shape.is_regular) return not_regular;
  const int64_t times = std::max<int64_t>(1, std::max(expr.least, expr.most));
  const bool is_character = rules_.expr(expr.first).kind == Rules::Kind::character;
  if (is_character && times > counted_from) return not_regular;
  if (times > merged_states_max || times * (shape.states + 1) > inlined_states_max * 8)
    return not_regular;
  shape.has_loop = shape.has_loop || expr.most == unbounded;
  shape.states = times * (shape.states + 1);
  return shape;
}

void ProgramBuilder::add(ExprId id, uint32_t from, uint32_t to) {
  const Rules::Expr& expr = rules_.expr(id);
  if (expr.kind == Rules::Kind::empty) return graph_.skip(from, to);
  if (expr.kind == Rules::Kind::never) return;
  if (shape_of(id, 0).is_regular) return add_terminal(std::span(&id, 1), from, to);
  switch (expr.kind) {
    case Rules::Kind::sequence:
      return add_sequence(rules_.children(expr), from, to);
    case Rules::Kind::choice:
      return add_choice(rules_.children(expr), from, to);
    case Rules::Kind::repeat:
      return add_repeat(id, from, to);
    case Rules::Kind::call: {
      if (!is_terminal_rule(expr.first)) return graph_.call(from, number_of(expr.first), to);
      const ExprId body = body_of(expr.first);
      return add_terminal(std::span(&body, 1), from, to);
    }
    case Rules::Kind::counted:
      return add_counted(expr, from, to);
    default:
      return add_terminal(std::span(&id, 1), from, to);
  }
}

// Neighbours that are regular become one terminal.
void ProgramBuilder::add_sequence(std::span<const ExprId> parts, uint32_t from, uint32_t to) {
  size_t at = 0;
  while (at < parts.size()) {
    size_t end = at;
    int64_t states = 0;
    while (end < parts.size()) {
      const Shape shape = shape_of(parts[end], 0);
      if (!shape.is_regular || states + shape.states > merged_states_max) break;
      states += shape.states;
      ++end;
    }
    const bool is_run = end > at;
    if (!is_run) end = at + 1;
    const uint32_t next = end < parts.size() ? graph_.add_node() : to;
    if (is_run) {
      add_run(parts.subspan(at, end - at), from, next);
    } else {
      add(parts[at], from, next);
    }
    from = next;
    at = end;
  }
}

void ProgramBuilder::add_choice(std::span<const ExprId> parts, uint32_t from, uint32_t to) {
  std::vector<ExprId> regular;
  int64_t states = 0;
  for (const ExprId part : parts) {
    const Shape shape = shape_of(part, 0);
    if (shape.is_regular && states + shape.states <= merged_states_max) {
      regular.push_back(part);
      states += shape.states;
    } else {
      add(part, from, to);
    }
  }
  if (!regular.empty()) add_terminal(regular, from, to);
}

void ProgramBuilder::add_repeat(ExprId id, uint32_t from, uint32_t to) {
  const Rules::Expr& expr = rules_.expr(id);
  if (rules_.expr(expr.first).kind == Rules::Kind::character) return add_counted(expr, from, to);
  const int64_t times = std::max(expr.least, expr.most);
  if (times > repetitions_max) {
    throw Error(ErrorCode::unsupported,
                fmt::format("{} repetitions: at most {} can be counted", times, repetitions_max));
  }
  // What is repeated many times is written once, as a rule.
  const bool is_rule = times > 2;
  const auto once = [&](uint32_t begin, uint32_t end) {
    if (!is_rule) return add(expr.first, begin, end);
    graph_.call(begin, number_of_body(expr.first, "a repetition"), end);
  };
  for (int64_t i = 0; i < expr.least; ++i) {
    const uint32_t next = graph_.add_node();
    once(from, next);
    from = next;
  }
  if (expr.most == unbounded) {
    const uint32_t loop = graph_.add_node();
    graph_.skip(from, loop);
    once(loop, loop);
    return graph_.skip(loop, to);
  }
  for (int64_t i = expr.least; i < expr.most; ++i) {
    graph_.skip(from, to);
    const uint32_t next = graph_.add_node();
    once(from, next);
    from = next;
  }
  graph_.skip(from, to);
}

void ProgramBuilder::add_run(std::span<const ExprId> parts, uint32_t from, uint32_t to) {
  if (parts.size() == 1) return add_terminal(parts, from, to);
  Program::Terminal terminal;
  terminal.nfa = ByteNfaBuilder::build_run(rules_, parts, [this](RuleId r) { return body_of(r); });
  if (terminal.nfa.accepts_nothing()) graph_.skip(from, to);
  if (const auto number = terminal_of(std::move(terminal))) graph_.terminal(from, *number, to);
}

void ProgramBuilder::add_terminal(std::span<const ExprId> alternatives, uint32_t from,
                                  uint32_t to) {
  Program::Terminal terminal;
  terminal.nfa =
      ByteNfaBuilder::build(rules_, alternatives, [this](RuleId r) { return body_of(r); });
  if (terminal.nfa.accepts_nothing()) graph_.skip(from, to);
  if (const auto number = terminal_of(std::move(terminal))) graph_.terminal(from, *number, to);
}

void ProgramBuilder::add_counted(const Rules::Expr& expr, uint32_t from, uint32_t to) {
  if (expr.least == 0) graph_.skip(from, to);
  Program::Terminal terminal;
  const ExprId item = expr.first;
  terminal.nfa =
      ByteNfaBuilder::build(rules_, std::span(&item, 1), [this](RuleId r) { return body_of(r); });
  terminal.is_counted = true;
  terminal.least = expr.least;
  terminal.most = expr.most;
  if (const auto number = terminal_of(std::move(terminal))) graph_.terminal(from, *number, to);
}

// Absent: the terminal accepts no text with a byte in it.
std::optional<uint32_t> ProgramBuilder::terminal_of(Program::Terminal terminal) {
  if (terminal.nfa.edges.empty()) return std::nullopt;
  terminal.key = (terminal.is_counted ? "counted " : "plain ") + terminal.nfa.key();
  std::vector<uint32_t>& equals = terminals_[terminal.key];
  for (const uint32_t number : equals) {
    const Program::Terminal& other = program_.terminals[number];
    if (other.is_counted == terminal.is_counted && other.least == terminal.least &&
        other.most == terminal.most)
      return number;
  }
  equals.push_back(static_cast<uint32_t>(program_.terminals.size()));
  program_.terminals.push_back(std::move(terminal));
  return equals.back();
}

}  // namespace

Program make_program(const Rules& rules) {
  return ProgramBuilder(rules).build();
}

}  // namespace hearth::engine
