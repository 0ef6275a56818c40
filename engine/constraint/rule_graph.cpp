#include "engine/constraint/rule_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hearth::engine {
namespace {

constexpr size_t nodes_max = 2'000'000;
constexpr uint32_t none = UINT32_MAX;

[[noreturn]] void fail_too_large() {
  throw Error(ErrorCode::unsupported,
              "the grammar is too large to be followed: use smaller counts of repetitions");
}

// Numbers the rules so that each calls only later ones before it has taken a byte.
class Ranking {
 public:
  Ranking(Program& program, std::span<const std::string> names)
      : program_(program), names_(names), states_(program.rules.size(), State::unseen) {}

  void run() {
    next_ = static_cast<uint32_t>(program_.rules.size());
    for (uint32_t rule = 0; rule < program_.rules.size(); ++rule) visit(rule);
  }

 private:
  enum class State : uint8_t { unseen, open, done };
  struct Visit {
    uint32_t rule;
    std::vector<uint32_t> called;
    size_t at = 0;
  };

  void visit(uint32_t first) {
    if (states_[first] != State::unseen) return;
    std::vector<Visit> stack;
    open(first, stack);
    while (!stack.empty()) {
      Visit& top = stack.back();
      if (top.at == top.called.size()) {
        states_[top.rule] = State::done;
        program_.rules[top.rule].rank = --next_;
        stack.pop_back();
        continue;
      }
      const uint32_t rule = top.called[top.at++];
      if (states_[rule] == State::open) {
        throw Error(ErrorCode::unsupported,
                    fmt::format("rule \"{}\": it begins with itself (left recursion): write the "
                                "repetition with * or + instead",
                                names_[rule]));
      }
      if (states_[rule] == State::unseen) open(rule, stack);
    }
  }

  void open(uint32_t rule, std::vector<Visit>& stack) {
    states_[rule] = State::open;
    stack.push_back({rule, called_first(rule)});
  }

  std::vector<uint32_t> called_first(uint32_t rule) {
    std::vector<uint32_t> called;
    std::vector<uint32_t> nodes{program_.rules[rule].start};
    seen_.resize(program_.nodes.size(), none);
    seen_[nodes.front()] = rule;
    for (size_t i = 0; i < nodes.size(); ++i) {
      for (const Program::Edge& edge : program_.edges_of(nodes[i])) {
        if (!edge.is_call) continue;
        called.push_back(edge.id);
        if (!program_.rules[edge.id].is_nullable || seen_[edge.target] == rule) continue;
        seen_[edge.target] = rule;
        nodes.push_back(edge.target);
      }
    }
    std::sort(called.begin(), called.end());
    called.erase(std::unique(called.begin(), called.end()), called.end());
    return called;
  }

  Program& program_;
  std::span<const std::string> names_;
  std::vector<State> states_;
  std::vector<uint32_t> seen_;
  uint32_t next_ = 0;
};

}  // namespace

std::pair<uint32_t, uint32_t> RuleGraph::add_rule() {
  const uint32_t start = add_node();
  const uint32_t end = add_node();
  rules_.push_back({start, end});
  return rules_.back();
}

uint32_t RuleGraph::add_node() {
  if (node_count_ >= nodes_max) fail_too_large();
  return node_count_++;
}

void RuleGraph::add(const Move& move) {
  if (moves_.size() >= 2 * nodes_max) fail_too_large();
  moves_.push_back(move);
}

void RuleGraph::sort_moves() {
  std::stable_sort(moves_.begin(), moves_.end(),
                   [](const Move& a, const Move& b) { return a.from < b.from; });
  firsts_.assign(node_count_ + 1, 0);
  for (const Move& move : moves_) ++firsts_[move.from + 1];
  for (uint32_t i = 0; i < node_count_; ++i) firsts_[i + 1] += firsts_[i];
  rule_of_end_.assign(node_count_, none);
  for (uint32_t rule = 0; rule < rules_.size(); ++rule) rule_of_end_[rules_[rule].second] = rule;
}

// Every rule's start is reached; a call lets pass once the rule is known to end.
std::vector<uint8_t> RuleGraph::rules_that_end(bool with_bytes) const {
  std::vector<uint8_t> ends(rules_.size(), 0);
  std::vector<uint8_t> reached(node_count_, 0);
  std::vector<std::vector<uint32_t>> held(rules_.size());  // nodes behind calls
  std::vector<uint32_t> waiting;
  const auto reach = [&](uint32_t node) {
    if (reached[node]) return;
    reached[node] = 1;
    waiting.push_back(node);
  };
  for (const auto& rule : rules_) reach(rule.first);
  while (!waiting.empty()) {
    const uint32_t node = waiting.back();
    waiting.pop_back();
    if (const uint32_t rule = rule_of_end_[node]; rule != none) {
      ends[rule] = 1;
      for (const uint32_t behind : held[rule]) reach(behind);
    }
    for (uint32_t m = firsts_[node]; m < firsts_[node + 1]; ++m) {
      const Move& move = moves_[m];
      const bool passes = move.kind == Kind::skip || (move.kind == Kind::terminal && with_bytes) ||
                          (move.kind == Kind::call && ends[move.id]);
      if (passes) {
        reach(move.to);
      } else if (move.kind == Kind::call) {
        held[move.id].push_back(move.to);
      }
    }
  }
  return ends;
}

std::vector<uint8_t> RuleGraph::nodes_that_end() const {
  std::vector<uint32_t> firsts(node_count_ + 1, 0);
  const auto counts = [this](const Move& m) { return m.kind != Kind::call || productive_[m.id]; };
  for (const Move& move : moves_) {
    if (counts(move)) ++firsts[move.to + 1];
  }
  for (uint32_t i = 0; i < node_count_; ++i) firsts[i + 1] += firsts[i];
  std::vector<uint32_t> sources(firsts.back());
  std::vector<uint32_t> next = firsts;
  for (const Move& move : moves_) {
    if (counts(move)) sources[next[move.to]++] = move.from;
  }
  std::vector<uint8_t> ends(node_count_, 0);
  std::vector<uint32_t> waiting;
  for (const auto& rule : rules_) {
    ends[rule.second] = 1;
    waiting.push_back(rule.second);
  }
  while (!waiting.empty()) {
    const uint32_t node = waiting.back();
    waiting.pop_back();
    for (uint32_t i = firsts[node]; i < firsts[node + 1]; ++i) {
      if (ends[sources[i]]) continue;
      ends[sources[i]] = 1;
      waiting.push_back(sources[i]);
    }
  }
  return ends;
}

// Nodes without their empty moves: starts of rules and what moves lead to.
void RuleGraph::add_nodes(Program& program, const std::vector<uint8_t>& nodes_end) {
  std::vector<uint32_t> numbers(node_count_, none);
  std::vector<uint32_t> order;
  const auto number_of = [&](uint32_t node) {
    if (numbers[node] == none) {
      numbers[node] = static_cast<uint32_t>(order.size());
      order.push_back(node);
    }
    return numbers[node];
  };
  for (size_t i = 0; i < rules_.size(); ++i) program.rules[i].start = number_of(rules_[i].first);
  std::vector<uint32_t> seen(node_count_, none);
  std::vector<uint32_t> closure;
  for (uint32_t i = 0; i < order.size(); ++i) {
    Program::Node node{static_cast<uint32_t>(program.edges.size())};
    closure.assign(1, order[i]);
    seen[order[i]] = i;
    for (size_t at = 0; at < closure.size(); ++at) {
      const uint32_t from = closure[at];
      node.is_final = node.is_final || rule_of_end_[from] != none;
      for (uint32_t m = firsts_[from]; m < firsts_[from + 1]; ++m) {
        const Move& move = moves_[m];
        if (!nodes_end[move.to] || (move.kind == Kind::call && !productive_[move.id])) continue;
        if (move.kind != Kind::skip) {
          program.edges.push_back({move.kind == Kind::call, move.id, number_of(move.to)});
        } else if (seen[move.to] != i) {
          seen[move.to] = i;
          closure.push_back(move.to);
        }
      }
    }
    node.edge_count = static_cast<uint32_t>(program.edges.size()) - node.first_edge;
    program.nodes.push_back(node);
    if (program.edges.size() > 4 * nodes_max) fail_too_large();
  }
}

void RuleGraph::finish(Program& program, std::span<const std::string> names) {
  sort_moves();
  productive_ = rules_that_end(true);
  if (!productive_[program.root]) {
    throw Error(ErrorCode::invalid_argument,
                "no text can satisfy the grammar: every way through it is impossible or endless");
  }
  const std::vector<uint8_t> nullable = rules_that_end(false);
  program.rules.resize(rules_.size());
  for (size_t i = 0; i < rules_.size(); ++i) program.rules[i].is_nullable = nullable[i] != 0;
  add_nodes(program, nodes_that_end());
  Ranking(program, names).run();
}

}  // namespace hearth::engine
