// A stand-in for attention over cache pages: what a model would store for a token is a hash of the
// whole prefix, so a page that was shared, copied or kept wrongly shows at once. The pools and the
// index are the real ones.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "engine/kv_cache/page_pools.h"
#include "engine/kv_cache/sequence_cache.h"

namespace hearth::testing {

// Sizes only: the pool asks a kernel table for nothing else.
inline engine::KernelTable sizes_only_kernels() {
  engine::KernelTable table{};
  table.kv_head_bytes = [](const engine::KvHeadShape& shape) noexcept -> int64_t {
    return engine::page_tokens * (shape.key_dim + shape.value_dim) *
           (shape.type == engine::KvType::f16 ? 2 : 4);
  };
  return table;
}

// One layer per group with room for a uint64 per token.
inline engine::CacheShape full_shape() {
  return {{{engine::CacheGroupKind::full, 0, {{1, 1, 1}}}}, {{0, 0}}};
}
inline engine::CacheShape window_shape(int64_t window) {
  return {{{engine::CacheGroupKind::full, 0, {{1, 1, 1}}},
           {engine::CacheGroupKind::window, window, {{1, 1, 1}}}},
          {{1, 0}, {0, 0}}};
}
inline engine::CacheShape window_only_shape(int64_t window) {
  return {{{engine::CacheGroupKind::window, window, {{1, 1, 1}}}}, {{0, 0}}};
}

struct Pools : engine::PagePools {
  Pools(const engine::CacheShape& shape, int64_t page_count)
      : PagePools(shape, engine::KvType::f32, sizes_only_kernels(), page_count) {}
};

// What the cache must hold for the last of `tokens`.
inline uint64_t entry_of(std::span<const engine::TokenId> tokens) {
  uint64_t hash = tokens.size();
  for (const engine::TokenId token : tokens)
    hash = (hash ^ static_cast<uint64_t>(token + 1)) * 0x9E3779B97F4A7C15u;
  return hash;
}

// "Computes" the tokens behind cache.length(): stores their entries and advances. extend() has made
// room.
inline void compute(engine::SequenceCache& cache, const Pools& pools,
                    std::span<const engine::TokenId> tokens, int64_t end) {
  for (int64_t index = cache.length(); index < end; ++index) {
    const uint64_t entry = entry_of(tokens.first(static_cast<size_t>(index + 1)));
    for (int32_t group = 0; group < cache.group_count(); ++group) {
      const engine::PageId page =
          cache.pages(group)[static_cast<size_t>(index / engine::page_tokens)];
      std::memcpy(pools[static_cast<size_t>(group)].head_data(page, 0, 0) +
                      static_cast<size_t>(index % engine::page_tokens) * sizeof entry,
                  &entry, sizeof entry);
    }
  }
  cache.advance(end - cache.length());
}

// Whether everything a query at index length() can see is there and right.
inline bool sees_the_truth(const engine::SequenceCache& cache, const engine::CacheShape& shape,
                           const Pools& pools, std::span<const engine::TokenId> tokens) {
  for (int32_t group = 0; group < cache.group_count(); ++group) {
    const engine::CacheGroupShape& kind = shape.groups[static_cast<size_t>(group)];
    int64_t first = 0;
    if (kind.kind == engine::CacheGroupKind::window)
      first = std::max<int64_t>(0, cache.length() - kind.window + 1);
    for (int64_t index = first; index < cache.length(); ++index) {
      const engine::PageId page =
          cache.pages(group)[static_cast<size_t>(index / engine::page_tokens)];
      if (page == engine::no_page) return false;
      uint64_t entry = 0;
      std::memcpy(&entry,
                  pools[static_cast<size_t>(group)].head_data(page, 0, 0) +
                      static_cast<size_t>(index % engine::page_tokens) * sizeof entry,
                  sizeof entry);
      if (entry != entry_of(tokens.first(static_cast<size_t>(index + 1)))) return false;
    }
  }
  return true;
}

}  // namespace hearth::testing
