#include "engine/constraint/rules.h"

#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace hearth::engine {
namespace {

// A schema of a megabyte stays far below.
constexpr size_t parts_max = 2'000'000;
constexpr size_t bytes_max = 16 << 20;
constexpr int64_t automaton_states_max = 500'000;

void check_size(size_t size, size_t most) {
  if (size > most) throw Error(ErrorCode::unsupported, "the grammar is too large to be followed");
}

}  // namespace

ExprId Rules::add(const Expr& expr) {
  check_size(exprs_.size(), parts_max);
  exprs_.push_back(expr);
  return static_cast<ExprId>(exprs_.size() - 1);
}

ExprId Rules::add_list(Kind kind, std::span<const ExprId> parts) {
  check_size(children_.size() + parts.size(), parts_max);
  const auto first = static_cast<int32_t>(children_.size());
  children_.insert(children_.end(), parts.begin(), parts.end());
  return add({kind, first, static_cast<int32_t>(parts.size())});
}

ExprId Rules::bytes(std::string_view text) {
  if (text.empty()) return empty();
  check_size(bytes_.size() + text.size(), bytes_max);
  const auto first = static_cast<int32_t>(bytes_.size());
  bytes_ += text;
  return add({Kind::bytes, first, static_cast<int32_t>(text.size())});
}

ExprId Rules::character(CodeSet set) {
  if (set.empty()) return never();
  sets_.push_back(std::move(set));
  return add({Kind::character, static_cast<int32_t>(sets_.size() - 1)});
}

ExprId Rules::sequence(std::span<const ExprId> parts) {
  std::vector<ExprId> kept;
  for (const ExprId part : parts) {
    if (expr(part).kind == Kind::never) return never();
    if (expr(part).kind != Kind::empty) kept.push_back(part);
  }
  if (kept.empty()) return empty();
  return kept.size() == 1 ? kept.front() : add_list(Kind::sequence, kept);
}

ExprId Rules::choice(std::span<const ExprId> parts) {
  std::vector<ExprId> kept;
  for (const ExprId part : parts) {
    if (expr(part).kind != Kind::never) kept.push_back(part);
  }
  if (kept.empty()) return never();
  return kept.size() == 1 ? kept.front() : add_list(Kind::choice, kept);
}

ExprId Rules::repeat(ExprId part, int64_t least, int64_t most) {
  if (expr(part).kind == Kind::empty || most == 0) return empty();
  if (expr(part).kind == Kind::never) return least == 0 ? empty() : never();
  if (least == 1 && most == 1) return part;
  return add({Kind::repeat, part, 1, least, most});
}

ExprId Rules::atom(ExprId part) {
  return add({Kind::atom, part, 1});
}

ExprId Rules::counted(ExprId part, int64_t least, int64_t most) {
  if (most == 0) return empty();
  return add({Kind::counted, part, 1, least, most});
}

ExprId Rules::automaton(CodeAutomaton automaton, Spelling spelling) {
  automaton_states_ += std::ssize(automaton.states);
  check_size(static_cast<size_t>(automaton_states_), static_cast<size_t>(automaton_states_max));
  automata_.push_back(std::move(automaton));
  return add({Kind::automaton, static_cast<int32_t>(automata_.size() - 1),
              static_cast<int32_t>(spelling)});
}

RuleId Rules::add_rule(std::string name) {
  check_size(rules_.size(), parts_max);
  rules_.push_back({std::move(name)});
  return static_cast<RuleId>(rules_.size() - 1);
}

ExprId Rules::call(RuleId rule) {
  HEARTH_CHECK(rule >= 0 && static_cast<size_t>(rule) < rules_.size());
  return add({Kind::call, rule});
}

RuleId Rules::append(const Rules& other) {
  check_size(exprs_.size() + other.exprs_.size(), parts_max);
  check_size(bytes_.size() + other.bytes_.size(), bytes_max);
  const auto exprs = static_cast<int32_t>(exprs_.size());
  const auto rules = static_cast<int32_t>(rules_.size());
  for (Expr expr : other.exprs_) {
    switch (expr.kind) {
      case Kind::empty:
      case Kind::never:
        break;
      case Kind::bytes:
        expr.first += static_cast<int32_t>(bytes_.size());
        break;
      case Kind::character:
        expr.first += static_cast<int32_t>(sets_.size());
        break;
      case Kind::sequence:
      case Kind::choice:
        expr.first += static_cast<int32_t>(children_.size());
        break;
      case Kind::repeat:
      case Kind::atom:
      case Kind::counted:
        expr.first += exprs;
        break;
      case Kind::call:
        expr.first += rules;
        break;
      case Kind::automaton:
        expr.first += static_cast<int32_t>(automata_.size());
        break;
    }
    exprs_.push_back(expr);
  }
  for (const ExprId child : other.children_) children_.push_back(child + exprs);
  bytes_ += other.bytes_;
  sets_.insert(sets_.end(), other.sets_.begin(), other.sets_.end());
  automata_.insert(automata_.end(), other.automata_.begin(), other.automata_.end());
  automaton_states_ += other.automaton_states_;
  for (const Rule& rule : other.rules_)
    rules_.push_back({rule.name, rule.body < 0 ? rule.body : rule.body + exprs});
  return other.root_ + rules;
}

}  // namespace hearth::engine
