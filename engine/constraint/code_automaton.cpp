#include "engine/constraint/code_automaton.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace hearth::engine {
namespace {

void check_size(size_t states) {
  if (states <= automaton_states_max) return;
  throw Error(ErrorCode::unsupported,
              "what a string must be has too many states: use simpler patterns or smaller lengths");
}

int32_t target_of(const CodeAutomaton::State& state, uint32_t code_point) {
  const auto place = std::lower_bound(
      state.edges.begin(), state.edges.end(), code_point,
      [](const CodeAutomaton::Edge& edge, uint32_t value) { return edge.range.last < value; });
  return place != state.edges.end() && place->range.first <= code_point ? place->target : -1;
}

}  // namespace

CodeAutomaton all_texts() {
  return texts_of_length(0, unbounded);
}

CodeAutomaton texts_of(std::span<const std::string> texts) {
  CodeAutomaton automaton;
  automaton.states.emplace_back();
  for (std::string_view text : texts) {
    int32_t at = 0;
    while (!text.empty()) {
      const CodePoint point = decode_utf8(text);
      text.remove_prefix(static_cast<size_t>(point.size_bytes));
      int32_t next = target_of(automaton.states[static_cast<size_t>(at)], point.value);
      if (next < 0) {
        next = static_cast<int32_t>(automaton.states.size());
        check_size(automaton.states.size());
        automaton.states.emplace_back();
        auto& edges = automaton.states[static_cast<size_t>(at)].edges;
        const auto place = std::find_if(edges.begin(), edges.end(), [&](const auto& edge) {
          return edge.range.first > point.value;
        });
        edges.insert(place, {{point.value, point.value}, next});
      }
      at = next;
    }
    automaton.states[static_cast<size_t>(at)].accepts = true;
  }
  return automaton;
}

CodeAutomaton texts_of_length(int64_t least, int64_t most) {
  CodeAutomaton automaton;
  const int64_t last = most == unbounded ? least : most;
  check_size(static_cast<size_t>(last));
  for (int64_t i = 0; i <= last; ++i) {
    CodeAutomaton::State& state = automaton.states.emplace_back();
    state.accepts = i >= least;
    const bool is_last = i == last;
    if (is_last && most != unbounded) continue;
    state.edges.push_back({{0, code_point_max}, static_cast<int32_t>(is_last ? i : i + 1)});
  }
  return automaton;
}

CodeAutomaton intersection(const CodeAutomaton& a, const CodeAutomaton& b) {
  CodeAutomaton both;
  std::map<std::pair<int32_t, int32_t>, int32_t> numbers{{{0, 0}, 0}};
  std::vector<std::pair<int32_t, int32_t>> pairs{{0, 0}};
  for (size_t i = 0; i < pairs.size(); ++i) {
    const CodeAutomaton::State& left = a.states[static_cast<size_t>(pairs[i].first)];
    const CodeAutomaton::State& right = b.states[static_cast<size_t>(pairs[i].second)];
    CodeAutomaton::State state;
    state.accepts = left.accepts && right.accepts;
    auto l = left.edges.begin();
    auto r = right.edges.begin();
    while (l != left.edges.end() && r != right.edges.end()) {
      const CodeRange range{std::max(l->range.first, r->range.first),
                            std::min(l->range.last, r->range.last)};
      if (range.first <= range.last) {
        const std::pair pair{l->target, r->target};
        const auto [place, is_new] = numbers.emplace(pair, static_cast<int32_t>(pairs.size()));
        if (is_new) pairs.push_back(pair);
        state.edges.push_back({range, place->second});
      }
      if (l->range.last < r->range.last) {
        ++l;
      } else {
        ++r;
      }
    }
    both.states.push_back(std::move(state));
    check_size(pairs.size());
  }
  return trimmed(both);
}

CodeAutomaton inverted(const CodeAutomaton& a) {
  CodeAutomaton others;
  const auto rest = static_cast<int32_t>(a.states.size());  // behind every missing edge
  for (const CodeAutomaton::State& state : a.states) {
    CodeAutomaton::State& other = others.states.emplace_back();
    other.accepts = !state.accepts;
    uint32_t next = 0;
    for (const CodeAutomaton::Edge& edge : state.edges) {
      if (edge.range.first > next) other.edges.push_back({{next, edge.range.first - 1}, rest});
      other.edges.push_back(edge);
      next = edge.range.last + 1;
    }
    if (next <= code_point_max) other.edges.push_back({{next, code_point_max}, rest});
  }
  others.states.push_back({{{{0, code_point_max}, rest}}, true});
  return trimmed(others);
}

bool accepts(const CodeAutomaton& automaton, std::string_view text) {
  int32_t at = 0;
  while (!text.empty() && at >= 0) {
    const CodePoint point = decode_utf8(text);
    text.remove_prefix(static_cast<size_t>(point.size_bytes));
    at = target_of(automaton.states[static_cast<size_t>(at)], point.value);
  }
  return at >= 0 && automaton.states[static_cast<size_t>(at)].accepts;
}

bool is_empty(const CodeAutomaton& automaton) {
  const CodeAutomaton kept = trimmed(automaton);
  return kept.states.size() == 1 && !kept.states[0].accepts && kept.states[0].edges.empty();
}

CodeAutomaton trimmed(const CodeAutomaton& automaton) {
  const size_t count = automaton.states.size();
  std::vector<std::vector<int32_t>> sources(count);
  std::deque<int32_t> waiting;
  std::vector<uint8_t> ends(count, 0);
  for (size_t i = 0; i < count; ++i) {
    for (const CodeAutomaton::Edge& edge : automaton.states[i].edges)
      sources[static_cast<size_t>(edge.target)].push_back(static_cast<int32_t>(i));
    if (!automaton.states[i].accepts) continue;
    ends[i] = 1;
    waiting.push_back(static_cast<int32_t>(i));
  }
  while (!waiting.empty()) {
    const int32_t state = waiting.front();
    waiting.pop_front();
    for (const int32_t source : sources[static_cast<size_t>(state)]) {
      if (ends[static_cast<size_t>(source)]) continue;
      ends[static_cast<size_t>(source)] = 1;
      waiting.push_back(source);
    }
  }
  CodeAutomaton kept;
  std::vector<int32_t> numbers(count, -1);
  std::vector<int32_t> order{0};
  numbers[0] = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const CodeAutomaton::State& state = automaton.states[static_cast<size_t>(order[i])];
    CodeAutomaton::State& copy = kept.states.emplace_back();
    copy.accepts = state.accepts;
    for (const CodeAutomaton::Edge& edge : state.edges) {
      if (!ends[static_cast<size_t>(edge.target)]) continue;
      int32_t& number = numbers[static_cast<size_t>(edge.target)];
      if (number < 0) {
        number = static_cast<int32_t>(order.size());
        order.push_back(edge.target);
      }
      const bool continues = !copy.edges.empty() && copy.edges.back().target == number &&
                             copy.edges.back().range.last + 1 == edge.range.first;
      if (continues) {
        copy.edges.back().range.last = edge.range.last;
      } else {
        copy.edges.push_back({edge.range, number});
      }
    }
  }
  return kept;
}

}  // namespace hearth::engine
