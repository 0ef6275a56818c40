#include "engine/kv_cache/sequence_cache.h"

#include <algorithm>

#include "base/check.h"

namespace hearth::engine {

int64_t first_visible_page(const CacheGroupShape& group, int64_t length) {
  if (group.kind == CacheGroupKind::full) return 0;
  return std::max<int64_t>(0, length - group.window + 1) / page_tokens;
}

SequenceCache::SequenceCache(const CacheShape& shape, std::span<PagePool* const> pools,
                             int64_t context_tokens)
    : shape_(shape),
      pools_(pools.begin(), pools.end()),
      tables_(pools.size()),
      first_held_(pools.size(), 0) {
  HEARTH_CHECK(shape.groups.size() == pools.size());
  for (std::vector<PageId>& table : tables_) {
    table.reserve(static_cast<size_t>(page_count_for(context_tokens)));
  }
}

SequenceCache::~SequenceCache() {
  release_all();
}

int64_t SequenceCache::held_pages(int32_t group) const {
  const size_t index = static_cast<size_t>(group);
  return static_cast<int64_t>(tables_[index].size()) - first_held_[index];
}

int64_t SequenceCache::pages_missing(int32_t group, int64_t token_count) const {
  const int64_t held = static_cast<int64_t>(tables_[static_cast<size_t>(group)].size());
  return std::max<int64_t>(0, page_count_for(length_ + token_count) - held) +
         (shares_last_page_ ? 1 : 0);
}

bool SequenceCache::extend(int64_t token_count) {
  for (int32_t group = 0; group < group_count(); ++group) {
    if (pages_missing(group, token_count) > pools_[static_cast<size_t>(group)]->free_pages())
      return false;
  }
  const size_t page_count = static_cast<size_t>(page_count_for(length_ + token_count));
  for (size_t group = 0; group < tables_.size(); ++group) {
    std::vector<PageId>& table = tables_[group];
    if (shares_last_page_) {
      const PageId own = pools_[group]->acquire().value();
      pools_[group]->copy(table.back(), own);
      pools_[group]->release(table.back());
      table.back() = own;
    }
    while (table.size() < page_count) table.push_back(pools_[group]->acquire().value());
  }
  shares_last_page_ = false;
  return true;
}

void SequenceCache::advance(int64_t token_count) {
  HEARTH_CHECK(!shares_last_page_);
  length_ += token_count;
  for (const std::vector<PageId>& table : tables_) {
    HEARTH_CHECK(static_cast<int64_t>(table.size()) >= page_count_for(length_));
  }
}

void SequenceCache::slide_windows() {
  for (size_t group = 0; group < tables_.size(); ++group) {
    const int64_t first_kept = first_visible_page(shape_.groups[group], length_);
    for (int64_t ordinal = first_held_[group]; ordinal < first_kept; ++ordinal) {
      PageId& page = tables_[group][static_cast<size_t>(ordinal)];
      pools_[group]->release(page);
      page = no_page;
    }
    first_held_[group] = std::max(first_held_[group], first_kept);
  }
}

void SequenceCache::release_all() {
  for (size_t group = 0; group < tables_.size(); ++group) {
    for (const PageId page : tables_[group]) {
      if (page != no_page) pools_[group]->release(page);
    }
    tables_[group].clear();
    first_held_[group] = 0;
  }
  length_ = 0;
  shares_last_page_ = false;
}

void SequenceCache::adopt(int64_t length, std::span<const std::vector<PageId>> tables) {
  HEARTH_CHECK(length_ == 0 && tables.size() == tables_.size());
  for (size_t group = 0; group < tables_.size(); ++group) {
    HEARTH_CHECK(tables_[group].empty());
    HEARTH_CHECK(static_cast<int64_t>(tables[group].size()) == page_count_for(length));
    first_held_[group] = first_visible_page(shape_.groups[group], length);
    for (size_t ordinal = 0; ordinal < tables[group].size(); ++ordinal) {
      const PageId page = tables[group][ordinal];
      HEARTH_CHECK((page != no_page) == (static_cast<int64_t>(ordinal) >= first_held_[group]));
      if (page != no_page) pools_[group]->add_reference(page);
      tables_[group].push_back(page);
    }
  }
  length_ = length;
  shares_last_page_ = length % page_tokens != 0;
}

void SequenceCache::replace_page(int32_t group, int64_t ordinal, PageId page) {
  PageId& place = tables_[static_cast<size_t>(group)][static_cast<size_t>(ordinal)];
  HEARTH_CHECK(place != no_page && place != page);
  PagePool& pool = *pools_[static_cast<size_t>(group)];
  pool.add_reference(page);
  pool.release(place);
  place = page;
}

}  // namespace hearth::engine
