#include "engine/kv_cache/page_pools.h"

#include "base/check.h"

namespace hearth::engine {

PagePools::PagePools(const CacheShape& shape, KvType type, const KernelTable& kernels,
                     std::span<const int64_t> page_counts) {
  HEARTH_CHECK(shape.groups.size() == page_counts.size());
  for (size_t group = 0; group < shape.groups.size(); ++group) {
    owned_.push_back(
        std::make_unique<PagePool>(shape.groups[group], type, kernels, page_counts[group]));
    pools_.push_back(owned_.back().get());
  }
}

PagePools::PagePools(const CacheShape& shape, KvType type, const KernelTable& kernels,
                     int64_t page_count)
    : PagePools(shape, type, kernels, std::vector<int64_t>(shape.groups.size(), page_count)) {}

int64_t PagePools::bytes() const {
  int64_t bytes = 0;
  for (const PagePool* pool : pools_) bytes += pool->page_count() * pool->page_bytes();
  return bytes;
}

int64_t PagePools::used_bytes() const {
  int64_t bytes = 0;
  for (const PagePool* pool : pools_)
    bytes += (pool->page_count() - pool->free_pages()) * pool->page_bytes();
  return bytes;
}

void PagePools::give_back_memory() {
  for (PagePool* pool : pools_) pool->give_back_memory();
}

}  // namespace hearth::engine
