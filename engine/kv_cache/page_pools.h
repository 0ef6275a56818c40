// The page pools of one model, one per cache group. Used by the engine worker only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/kv_cache/cache_shape.h"
#include "engine/kv_cache/page_pool.h"

namespace hearth::engine {

class PagePools {
 public:
  // One page count per group of the shape. Throws as PagePool's constructor.
  PagePools(const CacheShape& shape, KvType type, const KernelTable& kernels,
            std::span<const int64_t> page_counts);
  // The same count for every group.
  PagePools(const CacheShape& shape, KvType type, const KernelTable& kernels, int64_t page_count);

  // One per group, as sequences, the prefix index and a step take them; valid as long as this.
  std::span<PagePool* const> all() const { return pools_; }
  PagePool& operator[](size_t group) const { return *pools_[group]; }
  size_t size() const { return pools_.size(); }

  // Of all pages, and of those that are not free.
  int64_t bytes() const;
  int64_t used_bytes() const;
  // PagePool::give_back_memory of each.
  void give_back_memory();

 private:
  std::vector<std::unique_ptr<PagePool>> owned_;
  std::vector<PagePool*> pools_;
};

}  // namespace hearth::engine
