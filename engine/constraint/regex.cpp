#include "engine/constraint/regex.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "engine/constraint/code_automaton.h"
#include "engine/constraint/regex_syntax.h"
#include "engine/constraint/span_pool.h"

namespace hearth::engine {
namespace {

constexpr size_t nfa_states_max = 50'000;
constexpr size_t members_max = 4 << 20;

// Where an empty move is possible.
enum class Where : uint8_t { anywhere, begin, end };

struct Nfa {
  struct Skip {
    uint32_t target;
    Where where;
  };
  struct State {
    const CodeSet* set = nullptr;  // null: only skips
    uint32_t target = 0;
    std::vector<Skip> skips;
  };
  std::vector<State> states;

  uint32_t add() {
    if (states.size() >= nfa_states_max)
      throw Error(ErrorCode::unsupported, "the pattern is too large: use fewer repetitions");
    states.emplace_back();
    return static_cast<uint32_t>(states.size() - 1);
  }
  void skip(uint32_t from, uint32_t to, Where where = Where::anywhere) {
    states[from].skips.push_back({to, where});
  }
  void step(uint32_t from, const CodeSet& set, uint32_t to) {
    const uint32_t middle = add();
    skip(from, middle);
    states[middle].set = &set;
    states[middle].target = to;
  }
};

class NfaBuilder {
 public:
  NfaBuilder(const RegexTree& tree, const CodeSet& all) : tree_(tree), all_(all) {}

  Nfa build(RegexUse use, uint32_t& end) {
    const uint32_t start = nfa_.add();
    end = nfa_.add();
    uint32_t first = start;
    uint32_t last = end;
    if (use == RegexUse::search) {
      first = nfa_.add();
      last = nfa_.add();
      nfa_.skip(start, first);
      nfa_.step(start, all_, start);
      nfa_.step(last, all_, last);
      nfa_.skip(last, end);
    }
    add(tree_.root, first, last);
    return std::move(nfa_);
  }

 private:
  void add(int32_t id, uint32_t from, uint32_t to) {
    const RegexTree::Node& node = tree_.nodes[static_cast<size_t>(id)];
    switch (node.kind) {
      case RegexTree::Kind::empty:
        return nfa_.skip(from, to);
      case RegexTree::Kind::set:
        return nfa_.step(from, node.set, to);
      case RegexTree::Kind::begin:
        return nfa_.skip(from, to, Where::begin);
      case RegexTree::Kind::end:
        return nfa_.skip(from, to, Where::end);
      case RegexTree::Kind::choice:
        for (const int32_t part : node.parts) add(part, from, to);
        return;
      case RegexTree::Kind::sequence:
        for (const int32_t part : node.parts) {
          const uint32_t next = nfa_.add();
          add(part, from, next);
          from = next;
        }
        return nfa_.skip(from, to);
      case RegexTree::Kind::repeat:
        return add_repeat(node, from, to);
    }
  }

  void add_repeat(const RegexTree::Node& node, uint32_t from, uint32_t to) {
    const auto once = [&] {
      const uint32_t next = nfa_.add();
      add(node.parts[0], from, next);
      return next;
    };
    for (int64_t i = 0; i < node.least; ++i) from = once();
    if (node.most == unbounded) {
      const uint32_t loop = nfa_.add();
      nfa_.skip(from, loop);
      add(node.parts[0], loop, loop);
      return nfa_.skip(loop, to);
    }
    for (int64_t i = node.least; i < node.most; ++i) {
      nfa_.skip(from, to);
      from = once();
    }
    nfa_.skip(from, to);
  }

  const RegexTree& tree_;
  const CodeSet& all_;  // outlives the automaton
  Nfa nfa_;
};

// The subset construction. The first state is never merged with a later one: only there ^ holds.
class Determiniser {
 public:
  Determiniser(const Nfa& nfa, uint32_t end) : nfa_(nfa), end_(end), seen_(nfa.states.size(), 0) {}

  CodeAutomaton run() {
    std::vector<uint32_t> start{0};
    close(start, true, false);
    lists_.push_back(start);
    add_state(true);
    for (size_t i = 0; i < lists_.size(); ++i) expand(i);
    return trimmed(automaton_);
  }

 private:
  // With all that empty moves lead to.
  void close(std::vector<uint32_t>& list, bool at_begin, bool at_end) {
    ++round_;
    for (const uint32_t state : list) seen_[state] = round_;
    for (size_t i = 0; i < list.size(); ++i) {
      for (const Nfa::Skip& skip : nfa_.states[list[i]].skips) {
        const bool is_possible = skip.where == Where::anywhere ||
                                 (skip.where == Where::begin && at_begin) ||
                                 (skip.where == Where::end && at_end);
        if (!is_possible || seen_[skip.target] == round_) continue;
        seen_[skip.target] = round_;
        list.push_back(skip.target);
      }
    }
    std::sort(list.begin(), list.end());
  }

  void add_state(bool at_begin) {
    std::vector<uint32_t> list = lists_.back();
    members_ += list.size();
    if (lists_.size() > automaton_states_max || members_ > members_max)
      throw Error(ErrorCode::unsupported, "the pattern has too many states: make it simpler");
    close(list, at_begin, true);
    automaton_.states.push_back({{}, std::binary_search(list.begin(), list.end(), end_)});
  }

  int32_t state_of(std::vector<uint32_t> list) {
    close(list, false, false);
    const uint32_t number = pool_.intern(list);
    if (number < numbers_.size()) return numbers_[number];
    numbers_.push_back(static_cast<int32_t>(lists_.size()));
    lists_.push_back(std::move(list));
    add_state(false);
    return numbers_.back();
  }

  void expand(size_t number) {
    std::vector<std::pair<CodeRange, uint32_t>> moves;
    std::vector<uint32_t> borders;
    for (const uint32_t member : lists_[number]) {
      const Nfa::State& state = nfa_.states[member];
      if (state.set == nullptr) continue;
      for (const CodeRange& range : state.set->ranges()) {
        moves.emplace_back(range, state.target);
        borders.insert(borders.end(), {range.first, range.last + 1});
      }
    }
    std::sort(borders.begin(), borders.end());
    borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
    work_ += moves.size() * borders.size();
    if (work_ > size_t{200} << 20)
      throw Error(ErrorCode::unsupported, "the pattern takes too long to compile: make it simpler");
    for (size_t i = 0; i + 1 < borders.size(); ++i) {
      std::vector<uint32_t> targets;
      for (const auto& [range, target] : moves) {
        if (range.first <= borders[i] && borders[i] <= range.last) targets.push_back(target);
      }
      if (targets.empty()) continue;
      std::sort(targets.begin(), targets.end());
      targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
      const int32_t target = state_of(std::move(targets));
      automaton_.states[number].edges.push_back({{borders[i], borders[i + 1] - 1}, target});
    }
  }

  const Nfa& nfa_;
  uint32_t end_;
  std::vector<std::vector<uint32_t>> lists_;  // members of each state
  SpanPool pool_;                             // the same but for the first
  std::vector<int32_t> numbers_;              // of states, by their number in the pool
  std::vector<uint32_t> seen_;
  uint32_t round_ = 0;
  size_t members_ = 0;
  size_t work_ = 0;
  CodeAutomaton automaton_;
};

}  // namespace

CodeAutomaton regex_automaton(std::string_view pattern, RegexUse use) {
  const RegexTree tree = parse_regex(pattern);
  uint32_t end = 0;
  const CodeSet all = CodeSet::all();
  const Nfa nfa = NfaBuilder(tree, all).build(use, end);
  return Determiniser(nfa, end).run();
}

}  // namespace hearth::engine
