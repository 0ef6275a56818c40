#include "engine/constraint/lazy_dfa.h"

#include <algorithm>
#include <bitset>
#include <utility>

#include "base/error.h"

namespace hearth::engine {
namespace {

constexpr size_t states_max = 20'000;
constexpr size_t members_max = 16 << 20;

}  // namespace

LazyDfa::LazyDfa(ByteNfa nfa) : nfa_(std::move(nfa)) {
  std::vector<uint32_t> none;
  state_of(none);
  std::vector<uint32_t> starts = nfa_.starts;
  state_of(starts);
}

size_t LazyDfa::bytes() const {
  return next_.capacity() * sizeof(uint32_t) + members_.value_count() * sizeof(uint32_t) +
         nfa_.edges.size() * sizeof(ByteNfa::Edge);
}

uint32_t LazyDfa::state_of(std::vector<uint32_t>& members) {
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  const uint32_t state = members_.intern(members);
  if (state < accepts_.size()) return state;
  if (members_.size() > states_max || members_.value_count() > members_max) {
    throw Error(ErrorCode::unsupported,
                "a part of the grammar has too many states: make its pattern simpler");
  }
  bool accepts = false;
  bool goes_on = false;
  for (const uint32_t member : members) {
    accepts = accepts || nfa_.accepts[member] != 0;
    goes_on = goes_on || !nfa_.edges_of(member).empty();
  }
  accepts_.push_back(accepts ? 1 : 0);
  goes_on_.push_back(goes_on ? 1 : 0);
  is_expanded_.push_back(goes_on ? 0 : 1);
  next_.resize(next_.size() + 256, dead);
  return state;
}

// Bytes between two borders of edges lead to the same state.
void LazyDfa::expand(uint32_t state) {
  std::bitset<257> borders;
  std::vector<ByteNfa::Edge> edges;
  for (const uint32_t member : members_[state]) {
    for (const ByteNfa::Edge& edge : nfa_.edges_of(member)) {
      borders.set(edge.first);
      borders.set(size_t{edge.last} + 1);
      edges.push_back(edge);
    }
  }
  std::vector<uint32_t> targets;
  for (size_t first = 0; first < 256;) {
    size_t end = first + 1;
    while (end < 256 && !borders.test(end)) ++end;
    targets.clear();
    for (const ByteNfa::Edge& edge : edges) {
      if (edge.first <= first && first <= edge.last) targets.push_back(edge.target);
    }
    const uint32_t target = targets.empty() ? dead : state_of(targets);
    for (size_t byte = first; byte < end; ++byte) next_[size_t{256} * state + byte] = target;
    first = end;
  }
  is_expanded_[state] = 1;
}

}  // namespace hearth::engine
