// The heart of both byte-pair families: merge the neighbouring pair of lowest rank, the leftmost of
// equal ones, until no pair is left. Short words are scanned; long ones use a heap over a linked
// list, O(n log n) whatever the text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

// What a word consists of: bytes [begin, begin + size) and the token they are, or -1. The encoder
// may keep another number than a token in `id` while it merges: only its `find` looks at it.
struct Symbol {
  TokenId id = -1;
  uint32_t begin = 0;
  uint32_t size = 0;
};

// A merge that is possible: its rank (lower first) and the token it gives.
struct Merge {
  int32_t rank = 0;
  TokenId id = -1;
};

// Buffers to use again from word to word. One per call of encode, so never shared between threads.
struct MergeScratch {
  struct Pair {
    uint64_t order;  // rank, then place of the left symbol
    uint32_t size;   // bytes of both when the pair was found: it is stale when they have grown
    TokenId id;

    uint32_t left() const { return static_cast<uint32_t>(order); }
    // For a heap that gives the lowest rank first, then the leftmost.
    bool operator<(const Pair& other) const { return order > other.order; }
  };

  std::vector<Symbol> symbols;  // in: characters of the word; out: its tokens
  std::vector<int32_t> ranks;   // of a short word's merges: ranks[i] joins symbols i and i + 1
  std::vector<TokenId> tokens;  // what they give
  std::vector<Pair> heap;
  std::vector<uint32_t> next, previous;  // neighbours in the linked list
};

// `find(left, right)` gives the merge of two neighbouring symbols. Works on scratch.symbols.
// Looking for the lowest rank again after every merge is fast for few symbols: it needs no
// branches.
template <typename Find>
void merge_short_word(MergeScratch& scratch, const Find& find) {
  constexpr int32_t none = std::numeric_limits<int32_t>::max();
  auto& symbols = scratch.symbols;
  auto& ranks = scratch.ranks;
  auto& tokens = scratch.tokens;
  const size_t pairs = symbols.empty() ? 0 : symbols.size() - 1;
  ranks.resize(pairs);
  tokens.resize(pairs);
  const auto look_up = [&](size_t i) {
    const std::optional<Merge> merge = find(symbols[i], symbols[i + 1]);
    ranks[i] = merge ? merge->rank : none;
    tokens[i] = merge ? merge->id : -1;
  };
  for (size_t i = 0; i < pairs; ++i) look_up(i);
  while (true) {
    int32_t lowest = none;
    for (const int32_t rank : ranks) lowest = std::min(lowest, rank);
    if (lowest == none) return;
    const auto place = std::find(ranks.begin(), ranks.end(), lowest) - ranks.begin();
    const auto best = static_cast<size_t>(place);
    symbols[best].id = tokens[best];
    symbols[best].size += symbols[best + 1].size;
    symbols.erase(symbols.begin() + place + 1);
    ranks.erase(ranks.begin() + place);
    tokens.erase(tokens.begin() + place);
    if (best > 0) look_up(best - 1);
    if (best < ranks.size()) look_up(best);
  }
}

template <typename Find>
void merge_long_word(MergeScratch& scratch, const Find& find) {
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  auto& next = scratch.next;
  auto& previous = scratch.previous;
  const auto count = static_cast<uint32_t>(symbols.size());
  next.resize(count);
  previous.resize(count);
  heap.clear();
  const auto offer = [&](uint32_t left, uint32_t right) {
    const std::optional<Merge> merge = find(symbols[left], symbols[right]);
    if (!merge) return false;
    const uint64_t order = (static_cast<uint64_t>(merge->rank) << 32) | left;
    heap.push_back({order, symbols[left].size + symbols[right].size, merge->id});
    return true;
  };
  const auto offer_later = [&](uint32_t left, uint32_t right) {
    if (offer(left, right)) std::push_heap(heap.begin(), heap.end());
  };
  for (uint32_t i = 0; i < count; ++i) {
    next[i] = i + 1;      // count: none
    previous[i] = i - 1;  // wraps to the largest value: none
    if (i + 1 < count) offer(i, i + 1);
  }
  std::make_heap(heap.begin(), heap.end());
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const MergeScratch::Pair pair = heap.back();
    heap.pop_back();
    const uint32_t place = pair.left();
    Symbol& left = symbols[place];
    // A symbol that was merged away has size 0, and a pair never shrinks.
    if (left.size == 0 || next[place] == count) continue;
    Symbol& right = symbols[next[place]];
    if (left.size + right.size != pair.size) continue;
    left.id = pair.id;
    left.size = pair.size;
    right.size = 0;
    const uint32_t after = next[next[place]];
    next[place] = after;
    if (after < count) previous[after] = place;
    if (previous[place] < count) offer_later(previous[place], place);
    if (after < count) offer_later(place, after);
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.size == 0; });
}

template <typename Find>
void merge_word(MergeScratch& scratch, const Find& find) {
  constexpr size_t short_max = 32;
  if (scratch.symbols.size() <= short_max) {
    merge_short_word(scratch, find);
  } else {
    merge_long_word(scratch, find);
  }
}

}  // namespace hearth::engine
