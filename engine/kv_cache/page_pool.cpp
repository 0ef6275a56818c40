// The arena is one anonymous mapping that reserves address space only: the system gives memory when
// a page is first written. A page is the concatenation of its layers, a layer that of its KV heads,
// each head rounded up to 64 bytes.
#include "engine/kv_cache/page_pool.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/error.h"
#include "engine/kv_type.h"

namespace hearth::engine {
namespace {

constexpr int64_t head_alignment_bytes = 64;

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

std::byte* reserve_arena(int64_t page_bytes, int64_t page_count) {
  const int64_t bytes_max = std::numeric_limits<int64_t>::max() / 4;
  void* address = MAP_FAILED;
  errno = ENOMEM;
  if (page_count <= bytes_max / page_bytes) {
    address = ::mmap(nullptr, static_cast<size_t>(page_bytes * page_count), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  if (address == MAP_FAILED) {
    throw Error(
        ErrorCode::out_of_memory,
        fmt::format("cannot reserve {} cache pages of {} bytes: {}; ask for a shorter context",
                    page_count, page_bytes, std::strerror(errno)));
  }
  return static_cast<std::byte*>(address);
}

void require_fitting_heads(const CacheGroupShape& shape, KvType type) {
  for (const CacheLayerShape& layer : shape.layers) {
    for (const int64_t values : {layer.key_dim, layer.value_dim}) {
      if (fits_head(type, values)) continue;
      throw Error(ErrorCode::unsupported,
                  fmt::format("a cache of type {} needs heads of a multiple of {} values, and this "
                              "model has heads of {}; use f16 or f32",
                              kv_type_name(type), kv_block_values, values));
    }
  }
}

}  // namespace

int64_t PagePool::page_bytes_of(const CacheGroupShape& shape, KvType type,
                                const KernelTable& kernels) {
  require_fitting_heads(shape, type);
  int64_t bytes = 0;
  for (const CacheLayerShape& layer : shape.layers) {
    const KvHeadShape head{type, layer.key_dim, layer.value_dim};
    bytes += round_up(kernels.kv_head_bytes(head), head_alignment_bytes) * layer.kv_heads;
  }
  return bytes;
}

PagePool::PagePool(const CacheGroupShape& shape, KvType type, const KernelTable& kernels,
                   int64_t page_count)
    : page_count_(page_count) {
  HEARTH_CHECK(page_count > 0 && page_count < std::numeric_limits<PageId>::max());
  HEARTH_CHECK(!shape.layers.empty());
  require_fitting_heads(shape, type);
  for (const CacheLayerShape& layer : shape.layers) {
    const KvHeadShape head{type, layer.key_dim, layer.value_dim};
    const int64_t head_bytes = round_up(kernels.kv_head_bytes(head), head_alignment_bytes);
    layers_.push_back({page_bytes_, head_bytes, layer.kv_heads, head});
    page_bytes_ += head_bytes * layer.kv_heads;
  }
  // First, so that a pool beyond the address space fails before its lists take gigabytes.
  data_ = reserve_arena(page_bytes_, page_count);
  pages_.resize(static_cast<size_t>(page_count));
  free_.reserve(static_cast<size_t>(page_count));
  for (int64_t page = page_count - 1; page >= 0; --page) free_.push_back(static_cast<PageId>(page));
}

PagePool::~PagePool() {
  ::munmap(data_, static_cast<size_t>(page_bytes_ * page_count_));
}

PagePool::PageState& PagePool::live_state(PageId page) {
  HEARTH_CHECK(page >= 0 && page < page_count_);
  PageState& state = pages_[static_cast<size_t>(page)];
  HEARTH_CHECK(state.references > 0);
  return state;
}

std::optional<PageId> PagePool::acquire() {
  if (free_.empty()) return std::nullopt;
  const PageId page = free_.back();
  free_.pop_back();
  pages_[static_cast<size_t>(page)] = {.references = 1, .is_cached = false, .has_memory = true};
  return page;
}

void PagePool::add_reference(PageId page) {
  PageState& state = live_state(page);
  if (state.is_cached && state.references == 1) --reclaimable_;
  ++state.references;
}

void PagePool::release(PageId page) {
  PageState& state = live_state(page);
  if (--state.references == 0) {
    HEARTH_CHECK(!state.is_cached);
    free_.push_back(page);
  } else if (state.references == 1 && state.is_cached) {
    ++reclaimable_;
  }
}

int32_t PagePool::references(PageId page) const {
  HEARTH_CHECK(page >= 0 && page < page_count_);
  return pages_[static_cast<size_t>(page)].references;
}

void PagePool::set_cached(PageId page, bool is_cached) {
  PageState& state = live_state(page);
  HEARTH_CHECK(state.is_cached != is_cached);
  state.is_cached = is_cached;
  if (state.references == 1) reclaimable_ += is_cached ? 1 : -1;
}

void PagePool::copy(PageId from, PageId to) {
  HEARTH_DCHECK(references(from) > 0 && references(to) == 1 && from != to);
  std::memcpy(data_ + to * page_bytes_, data_ + from * page_bytes_,
              static_cast<size_t>(page_bytes_));
}

void PagePool::give_back_memory() {
  const int64_t system_page_bytes = ::sysconf(_SC_PAGESIZE);
  int64_t page = 0;
  while (page < page_count_) {
    // One call per run of neighbouring free pages; the run's edges are rounded inwards to whole
    // system pages.
    int64_t end = page;
    bool has_memory = false;
    while (end < page_count_ && pages_[static_cast<size_t>(end)].references == 0) {
      has_memory |= pages_[static_cast<size_t>(end)].has_memory;
      pages_[static_cast<size_t>(end)].has_memory = false;
      ++end;
    }
    if (has_memory) {
      const int64_t first_byte = round_up(page * page_bytes_, system_page_bytes);
      const int64_t end_byte = end * page_bytes_ / system_page_bytes * system_page_bytes;
      if (first_byte < end_byte) {
        ::madvise(data_ + first_byte, static_cast<size_t>(end_byte - first_byte), MADV_DONTNEED);
      }
    }
    page = std::max(end, page + 1);
  }
}

std::byte* PagePool::head_data(PageId page, int32_t layer, int32_t kv_head) const {
  HEARTH_DCHECK(page >= 0 && page < page_count_);
  const LayerPlace& place = layers_[static_cast<size_t>(layer)];
  HEARTH_DCHECK(kv_head >= 0 && kv_head < place.kv_heads);
  return data_ + page * page_bytes_ + place.offset_bytes + kv_head * place.head_bytes;
}

KvHeadShape PagePool::head_shape(int32_t layer) const {
  return layers_[static_cast<size_t>(layer)].head;
}

int64_t PagePool::page_bytes() const {
  return page_bytes_;
}
int64_t PagePool::free_pages() const {
  return static_cast<int64_t>(free_.size());
}
int64_t PagePool::reclaimable_pages() const {
  return reclaimable_;
}
int64_t PagePool::page_count() const {
  return page_count_;
}

}  // namespace hearth::engine
