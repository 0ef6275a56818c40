#include "engine/constraint/byte_nfa.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace hearth::engine {
namespace {

// Per state the moves that leave it: sorted by state, with the place where each begins.
template <typename M>
std::vector<uint32_t> first_of_each(const std::vector<M>& moves, uint32_t count,
                                    uint32_t (*state_of)(const M&)) {
  std::vector<uint32_t> firsts(count + 1, 0);
  for (const M& move : moves) ++firsts[state_of(move) + 1];
  for (uint32_t i = 0; i < count; ++i) firsts[i + 1] += firsts[i];
  return firsts;
}

// Marks what can be reached from `start` along `firsts` and `targets`.
std::vector<uint8_t> reachable(uint32_t start, const std::vector<uint32_t>& firsts,
                               const std::vector<uint32_t>& targets) {
  std::vector<uint8_t> seen(firsts.size() - 1, 0);
  std::vector<uint32_t> waiting{start};
  seen[start] = 1;
  while (!waiting.empty()) {
    const uint32_t state = waiting.back();
    waiting.pop_back();
    for (uint32_t i = firsts[state]; i < firsts[state + 1]; ++i) {
      if (seen[targets[i]]) continue;
      seen[targets[i]] = 1;
      waiting.push_back(targets[i]);
    }
  }
  return seen;
}

}  // namespace

std::string json_escape(uint32_t code_point) {
  switch (code_point) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return fmt::format("\\u{:04x}", code_point);
  }
}

const CodeSet& json_plain_characters() {
  static const CodeSet set({{0x20, 0x21}, {0x23, 0x5B}, {0x5D, code_point_max}});
  return set;
}

bool ByteNfa::accepts_nothing() const {
  return std::any_of(starts.begin(), starts.end(), [this](uint32_t s) { return accepts[s] != 0; });
}

std::string ByteNfa::key() const {
  std::string key;
  const auto put = [&key](const void* data, size_t bytes) {
    const size_t at = key.size();
    key.resize(at + bytes);
    if (bytes > 0) std::memcpy(key.data() + at, data, bytes);
  };
  const uint64_t counts[] = {state_count(), edges.size(), starts.size()};
  put(counts, sizeof(counts));
  put(first_edges.data(), first_edges.size() * sizeof(uint32_t));
  for (const Edge& edge : edges) {
    put(&edge.first, 1);
    put(&edge.last, 1);
    put(&edge.target, sizeof(edge.target));
  }
  put(accepts.data(), accepts.size());
  put(starts.data(), starts.size() * sizeof(uint32_t));
  return key;
}

ByteNfa ByteNfaBuilder::build(const Rules& rules, std::span<const ExprId> alternatives,
                              const BodyOf& body_of) {
  ByteNfaBuilder builder(rules, body_of);
  const uint32_t start = builder.add_state();
  const uint32_t end = builder.add_state();
  builder.add_choice(alternatives, start, end);
  return builder.finish(start, end);
}

ByteNfa ByteNfaBuilder::build_run(const Rules& rules, std::span<const ExprId> parts,
                                  const BodyOf& body_of) {
  ByteNfaBuilder builder(rules, body_of);
  const uint32_t start = builder.add_state();
  const uint32_t end = builder.add_state();
  builder.add_parts(parts, start, end);
  return builder.finish(start, end);
}

uint32_t ByteNfaBuilder::add_state() {
  if (state_count_ >= states_max)
    throw Error(ErrorCode::unsupported, "a part of the grammar is too large to be followed");
  return state_count_++;
}

void ByteNfaBuilder::add(ExprId id, uint32_t from, uint32_t to) {
  const Rules::Expr& expr = rules_.expr(id);
  switch (expr.kind) {
    case Rules::Kind::empty:
      return skip(from, to);
    case Rules::Kind::never:
      return;
    case Rules::Kind::bytes:
      return add_bytes(rules_.bytes_of(expr), from, to);
    case Rules::Kind::character:
      return add_sequences(rules_.set_of(expr), from, to);
    case Rules::Kind::sequence:
      return add_parts(rules_.children(expr), from, to);
    case Rules::Kind::choice:
      return add_choice(rules_.children(expr), from, to);
    case Rules::Kind::repeat:
    case Rules::Kind::counted:
      return add_repeat(expr, from, to);
    case Rules::Kind::call:
      return add(body_of_(expr.first), from, to);
    case Rules::Kind::atom:
      return add(expr.first, from, to);
    case Rules::Kind::automaton:
      return add_automaton(rules_.automaton_of(expr), Rules::spelling_of(expr), from, to);
  }
}

void ByteNfaBuilder::add_parts(std::span<const ExprId> parts, uint32_t from, uint32_t to) {
  for (size_t i = 0; i < parts.size(); ++i) {
    const uint32_t next = i + 1 < parts.size() ? add_state() : to;
    add(parts[i], from, next);
    from = next;
  }
}

void ByteNfaBuilder::add_bytes(std::string_view bytes, uint32_t from, uint32_t to) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    const uint32_t next = i + 1 < bytes.size() ? add_state() : to;
    step(from, {byte, byte}, next);
    from = next;
  }
}

void ByteNfaBuilder::add_sequences(const CodeSet& set, uint32_t from, uint32_t to) {
  for (const CodeRange& range : set.ranges()) {
    for_each_utf8_sequence(range, [&](std::span<const ByteRange> sequence) {
      uint32_t at = from;
      for (size_t i = 0; i < sequence.size(); ++i) {
        const uint32_t next = i + 1 < sequence.size() ? add_state() : to;
        step(at, sequence[i], next);
        at = next;
      }
    });
  }
}

// Texts share their beginnings, so that a long list of them is followed along one path.
void ByteNfaBuilder::add_choice(std::span<const ExprId> parts, uint32_t from, uint32_t to) {
  std::vector<std::string_view> texts;
  for (const ExprId part : parts) {
    const Rules::Expr& expr = rules_.expr(part);
    if (expr.kind == Rules::Kind::bytes) {
      texts.push_back(rules_.bytes_of(expr));
    } else {
      add(part, from, to);
    }
  }
  std::sort(texts.begin(), texts.end());
  std::vector<uint32_t> path{from};  // of the text before, by length
  std::string_view before;
  for (const std::string_view text : texts) {
    const auto common = static_cast<size_t>(
        std::mismatch(text.begin(), text.end(), before.begin(), before.end()).first - text.begin());
    path.resize(std::min(common, path.size() - 1) + 1);
    for (size_t i = path.size() - 1; i < text.size(); ++i) {
      const auto byte = static_cast<uint8_t>(text[i]);
      path.push_back(add_state());
      step(path[i], {byte, byte}, path.back());
    }
    skip(path.back(), to);
    before = text;
  }
}

void ByteNfaBuilder::add_repeat(const Rules::Expr& expr, uint32_t from, uint32_t to) {
  for (int64_t i = 0; i < expr.least; ++i) {
    const uint32_t next = add_state();
    add(expr.first, from, next);
    from = next;
  }
  if (expr.most == unbounded) {
    const uint32_t loop = add_state();
    skip(from, loop);
    add(expr.first, loop, loop);
    return skip(loop, to);
  }
  for (int64_t i = expr.least; i < expr.most; ++i) {
    skip(from, to);
    const uint32_t next = add_state();
    add(expr.first, from, next);
    from = next;
  }
  skip(from, to);
}

void ByteNfaBuilder::add_json_characters(const CodeSet& set, uint32_t from, uint32_t to) {
  add_sequences(set.intersected(json_plain_characters()), from, to);
  const CodeSet escaped = set.intersected(json_plain_characters().inverted());
  for (const CodeRange& range : escaped.ranges()) {
    for (uint32_t c = range.first; c <= range.last; ++c) add_bytes(json_escape(c), from, to);
  }
}

void ByteNfaBuilder::add_automaton(const CodeAutomaton& automaton, Spelling spelling, uint32_t from,
                                   uint32_t to) {
  const uint32_t base = state_count_;
  for (size_t i = 0; i < automaton.states.size(); ++i) add_state();
  skip(from, base);
  for (size_t i = 0; i < automaton.states.size(); ++i) {
    const CodeAutomaton::State& state = automaton.states[i];
    const auto here = base + static_cast<uint32_t>(i);
    if (state.accepts) skip(here, to);
    // Edges to the same state are encoded together, which shares their escapes' beginnings.
    std::vector<std::pair<int32_t, std::vector<CodeRange>>> targets;
    for (const CodeAutomaton::Edge& edge : state.edges) {
      const auto place = std::find_if(targets.begin(), targets.end(),
                                      [&](const auto& t) { return t.first == edge.target; });
      if (place == targets.end()) {
        targets.push_back({edge.target, {edge.range}});
      } else {
        place->second.push_back(edge.range);
      }
    }
    for (auto& [target, ranges] : targets) {
      const CodeSet set(std::move(ranges));
      const uint32_t there = base + static_cast<uint32_t>(target);
      if (spelling == Spelling::json_string) {
        add_json_characters(set, here, there);
      } else {
        add_sequences(set, here, there);
      }
    }
  }
}

// Empty moves are resolved, states that lead nowhere are left out and the rest is numbered anew.
ByteNfa ByteNfaBuilder::finish(uint32_t start, uint32_t end) {
  const auto from_of = [](const Move& move) { return move.from; };
  std::stable_sort(moves_.begin(), moves_.end(),
                   [](const Move& a, const Move& b) { return a.from < b.from; });
  const std::vector<uint32_t> firsts = first_of_each<Move>(moves_, state_count_, from_of);
  std::vector<uint32_t> targets(moves_.size());
  std::vector<Move> reversed(moves_.size());
  for (size_t i = 0; i < moves_.size(); ++i) {
    targets[i] = moves_[i].target;
    reversed[i] = {moves_[i].target, moves_[i].from, 0, 0, false};
  }
  std::stable_sort(reversed.begin(), reversed.end(),
                   [](const Move& a, const Move& b) { return a.from < b.from; });
  const std::vector<uint32_t> back_firsts = first_of_each<Move>(reversed, state_count_, from_of);
  std::vector<uint32_t> sources(reversed.size());
  for (size_t i = 0; i < reversed.size(); ++i) sources[i] = reversed[i].target;
  const std::vector<uint8_t> can_end = reachable(end, back_firsts, sources);

  ByteNfa nfa;
  std::vector<uint32_t> numbers(state_count_, UINT32_MAX);
  std::vector<uint32_t> order;  // old numbers of kept states
  const auto number_of = [&](uint32_t state) {
    if (numbers[state] == UINT32_MAX) {
      numbers[state] = static_cast<uint32_t>(order.size());
      order.push_back(state);
    }
    return numbers[state];
  };
  nfa.starts.push_back(number_of(start));
  std::vector<uint32_t> seen(state_count_, UINT32_MAX);
  std::vector<uint32_t> closure;
  for (uint32_t i = 0; i < order.size(); ++i) {
    nfa.first_edges.push_back(static_cast<uint32_t>(nfa.edges.size()));
    closure.assign(1, order[i]);
    seen[order[i]] = i;
    bool accepts = false;
    for (size_t at = 0; at < closure.size(); ++at) {
      const uint32_t state = closure[at];
      accepts = accepts || state == end;
      for (uint32_t m = firsts[state]; m < firsts[state + 1]; ++m) {
        const Move& move = moves_[m];
        if (!can_end[move.target]) continue;
        if (!move.is_empty) {
          nfa.edges.push_back({move.first, move.last, number_of(move.target)});
        } else if (seen[move.target] != i) {
          seen[move.target] = i;
          closure.push_back(move.target);
        }
      }
    }
    nfa.accepts.push_back(accepts ? 1 : 0);
    if (nfa.edges.size() > 8 * states_max)
      throw Error(ErrorCode::unsupported, "a part of the grammar is too large to be followed");
  }
  nfa.first_edges.push_back(static_cast<uint32_t>(nfa.edges.size()));
  return nfa;
}

}  // namespace hearth::engine
