// The heart of both byte-pair families: merge the neighbouring pair of lowest rank, the leftmost of
// equal ones, until no pair is left. Short words are scanned; long ones use a heap over a linked
// list, O(n log n) whatever the text.
#pragma once

#include <algorithm>
#include <cstdint>
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
    int32_t rank;
    uint32_t left;
    uint32_t right;
    uint32_t size;  // bytes of both when the pair was found: it is stale when they have changed
    TokenId id;

    // For a heap that gives the lowest rank first, then the leftmost.
    bool operator<(const Pair& other) const {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };

  std::vector<Symbol> symbols;  // in: characters of the word; out: its tokens
  std::vector<std::optional<Merge>> merges;
  std::vector<Pair> heap;
  std::vector<uint32_t> next, previous;  // neighbours in the linked list
};

// `find(left, right)` gives the merge of two neighbouring symbols. Works on scratch.symbols.
template <typename Find>
void merge_short_word(MergeScratch& scratch, const Find& find) {
  auto& symbols = scratch.symbols;
  auto& merges = scratch.merges;  // merges[i] joins symbols i and i + 1
  merges.clear();
  for (size_t i = 0; i + 1 < symbols.size(); ++i)
    merges.push_back(find(symbols[i], symbols[i + 1]));
  while (true) {
    size_t best = merges.size();
    for (size_t i = 0; i < merges.size(); ++i) {
      if (merges[i] && (best == merges.size() || merges[i]->rank < merges[best]->rank)) best = i;
    }
    if (best == merges.size()) return;
    symbols[best].id = merges[best]->id;
    symbols[best].size += symbols[best + 1].size;
    symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(best) + 1);
    merges.erase(merges.begin() + static_cast<ptrdiff_t>(best));
    if (best > 0) merges[best - 1] = find(symbols[best - 1], symbols[best]);
    if (best < merges.size()) merges[best] = find(symbols[best], symbols[best + 1]);
  }
}

template <typename Find>
void merge_long_word(MergeScratch& scratch, const Find& find) {
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  const auto count = static_cast<uint32_t>(symbols.size());
  scratch.next.resize(count);
  scratch.previous.resize(count);
  heap.clear();
  const auto offer = [&](uint32_t left, uint32_t right) {
    const std::optional<Merge> merge = find(symbols[left], symbols[right]);
    if (!merge) return;
    heap.push_back({merge->rank, left, right, symbols[left].size + symbols[right].size, merge->id});
    std::push_heap(heap.begin(), heap.end());
  };
  for (uint32_t i = 0; i < count; ++i) {
    scratch.next[i] = i + 1;      // count: none
    scratch.previous[i] = i - 1;  // wraps to the largest value: none
    if (i + 1 < count) offer(i, i + 1);
  }
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const MergeScratch::Pair pair = heap.back();
    heap.pop_back();
    Symbol& left = symbols[pair.left];
    Symbol& right = symbols[pair.right];
    // A symbol that was merged away has size 0.
    if (left.size == 0 || right.size == 0 || left.size + right.size != pair.size) continue;
    left.id = pair.id;
    left.size = pair.size;
    right.size = 0;
    const uint32_t after = scratch.next[pair.right];
    scratch.next[pair.left] = after;
    if (after < count) scratch.previous[after] = pair.left;
    if (scratch.previous[pair.left] < count) offer(scratch.previous[pair.left], pair.left);
    if (after < count) offer(pair.left, after);
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
