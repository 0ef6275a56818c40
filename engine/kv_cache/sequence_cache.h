// Page tables of one sequence, one per cache group (docs/steps-and-cache.md). Used by the engine
// worker only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/kv_cache/cache_shape.h"
#include "engine/kv_cache/page_pool.h"
#include "engine/step_plan.h"

namespace hearth::engine {

// Pages that hold `tokens` tokens.
constexpr int64_t page_count_for(int64_t tokens) {
  return (tokens + page_tokens - 1) / page_tokens;
}

// The first page ordinal that a query at index `length` can still see.
int64_t first_visible_page(const CacheGroupShape& group, int64_t length);

class SequenceCache {
 public:
  // `shape` and `pools` (one per group) must outlive the sequence. Tables are sized for
  // `context_tokens` at once.
  SequenceCache(const CacheShape& shape, std::span<PagePool* const> pools, int64_t context_tokens);
  // Releases every page.
  ~SequenceCache();
  SequenceCache(const SequenceCache&) = delete;
  SequenceCache& operator=(const SequenceCache&) = delete;

  // Tokens whose entries are in the cache.
  int64_t length() const { return length_; }
  int32_t group_count() const { return static_cast<int32_t>(tables_.size()); }
  // The page of every page ordinal; no_page for what slid out of a window.
  std::span<const PageId> pages(int32_t group) const { return tables_[static_cast<size_t>(group)]; }

  // Pages of `group` in the table.
  int64_t held_pages(int32_t group) const;
  // Pages of `group` that extend(token_count) would acquire.
  int64_t pages_missing(int32_t group, int64_t token_count) const;
  // Makes room for `token_count` tokens behind length(), and copies a last page that is shared and
  // only partly valid. All or nothing: false when a pool has too few free pages. May be repeated
  // with another count.
  bool extend(int64_t token_count);
  // The next `token_count` tokens have been computed; extend() made room for them.
  void advance(int64_t token_count);
  // Releases the pages no later query can see.
  void slide_windows();
  // Forgets everything: length becomes 0.
  void release_all();

  // Starts an empty sequence with somebody else's first `length` tokens. tables[group] covers them;
  // the sequence adds its own references. A last page that is not full stays shared until extend()
  // copies it.
  void adopt(int64_t length, std::span<const std::vector<PageId>> tables);
  // Replaces a page by an equal one of another owner.
  void replace_page(int32_t group, int64_t ordinal, PageId page);

 private:
  const CacheShape& shape_;
  std::vector<PagePool*> pools_;
  std::vector<std::vector<PageId>> tables_;
  std::vector<int64_t> first_held_;  // per group: ordinals before it are no_page
  int64_t length_ = 0;
  bool shares_last_page_ = false;  // adopted, partly valid and not yet copied
};

}  // namespace hearth::engine
