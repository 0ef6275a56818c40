// Pages of one cache group. A page holds page_tokens tokens of every layer of the group; pages are
// shared between sequences with equal prefixes and are reference counted. Used by the engine worker
// only; no locking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/kv_cache/cache_shape.h"
#include "engine/step_plan.h"

namespace hearth::engine {

// The bytes of slots nobody wrote yet are unspecified (zero or an earlier owner's entries): readers
// stop at the last token they may see.
class PagePool {
 public:
  // Bytes of one page, before there is a pool. Throws Error{unsupported} for a type that the heads
  // do not fit (engine/kv_type.h), as the constructor does.
  static int64_t page_bytes_of(const CacheGroupShape& shape, KvType type,
                               const KernelTable& kernels);

  // Reserves address space for `page_count` pages; memory is taken from the system as pages are
  // first written. Throws Error{out_of_memory}.
  PagePool(const CacheGroupShape& shape, KvType type, const KernelTable& kernels,
           int64_t page_count);
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // A page starts with one reference. Empty when none is free: running out is normal, the caller
  // evicts or preempts.
  std::optional<PageId> acquire();
  void add_reference(PageId page);
  // At zero references the page is free; give_back_memory() may then return its memory to the
  // system.
  void release(PageId page);
  int32_t references(PageId page) const;
  // Marks a page one of whose references is the prefix index's. A marked page without other
  // references is reclaimable.
  void set_cached(PageId page, bool is_cached);
  // Copies the whole page (copy-on-write of a partly filled one).
  void copy(PageId from, PageId to);
  // Returns the memory of all free pages to the system. Costs system calls: for when the engine
  // goes idle.
  void give_back_memory();

  // The part of `page` that belongs to one KV head of one layer of the group: kv_head_bytes bytes,
  // 64-byte aligned.
  std::byte* head_data(PageId page, int32_t layer, int32_t kv_head) const;
  KvHeadShape head_shape(int32_t layer) const;

  int64_t page_bytes() const;
  int64_t free_pages() const;
  int64_t reclaimable_pages() const;  // held by the prefix index alone
  int64_t page_count() const;

 private:
  struct LayerPlace {
    int64_t offset_bytes;  // of the layer within a page
    int64_t head_bytes;
    int32_t kv_heads;
    KvHeadShape head;
  };
  struct PageState {
    int32_t references = 0;
    bool is_cached = false;
    bool has_memory = false;  // was handed out since its memory was last given back
  };
  PageState& live_state(PageId page);

  int64_t page_bytes_ = 0;
  int64_t page_count_ = 0;
  std::byte* data_ = nullptr;
  std::vector<LayerPlace> layers_;
  std::vector<PageState> pages_;
  std::vector<PageId> free_;  // the next one to hand out is last
  int64_t reclaimable_ = 0;
};

}  // namespace hearth::engine
