// How many pages each cache group of a model gets out of a given number of bytes. Pure arithmetic.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/kv_cache/cache_shape.h"

namespace hearth::engine {

struct CachePlanRequest {
  int64_t context_tokens = 0;  // of one sequence
  int64_t cache_bytes =
      0;  // for all pools together; 0: two contexts, at most 4 GiB, at least one context
  int64_t step_tokens = 0;  // largest step: what a window holds beside itself
};

struct CachePlan {
  std::vector<int64_t> page_counts;  // per group
  int64_t context_tokens = 0;        // as asked, or what the bytes allow
  int64_t bytes = 0;
};

// Pages of a window group that one sequence needs at most.
int64_t window_pages(const CacheGroupShape& group, int64_t context_tokens, int64_t step_tokens);

// Throws Error{out_of_memory} when not even one page per group fits.
CachePlan plan_cache(const CacheShape& shape, KvType type, const KernelTable& kernels,
                     const CachePlanRequest& request);

}  // namespace hearth::engine
