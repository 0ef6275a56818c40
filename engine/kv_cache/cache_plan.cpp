#include "engine/kv_cache/cache_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/error.h"
#include "engine/kv_cache/page_pool.h"
#include "engine/kv_cache/sequence_cache.h"

namespace hearth::engine {
namespace {

constexpr int64_t default_bytes_max = int64_t{4} << 30;
constexpr int64_t default_contexts = 2;
// Pages are numbered with 32 bits; this also keeps the page lists themselves small.
constexpr int64_t page_count_max = int64_t{1} << 24;

// A window group needs far fewer pages than a full one, but a cache of many short sequences as
// many: half is the compromise.
int64_t pages_of_group(const CacheGroupShape& group, int64_t full_pages,
                       const CachePlanRequest& request) {
  if (group.kind == CacheGroupKind::full) return full_pages;
  const int64_t alone = window_pages(group, request.context_tokens, request.step_tokens);
  const int64_t contexts =
      std::max<int64_t>(1, full_pages / (page_count_for(request.context_tokens) + 1));
  return std::min(full_pages, std::max(alone * contexts, full_pages / 2));
}

}  // namespace

int64_t window_pages(const CacheGroupShape& group, int64_t context_tokens, int64_t step_tokens) {
  // One more because neither end need be aligned, and one for a page that is being copied.
  return std::min(page_count_for(context_tokens), page_count_for(group.window + step_tokens) + 1) +
         1;
}

CachePlan plan_cache(const CacheShape& shape, KvType type, const KernelTable& kernels,
                     const CachePlanRequest& request) {
  HEARTH_CHECK(request.context_tokens > 0 && !shape.groups.empty());
  std::vector<int64_t> page_bytes;
  for (const CacheGroupShape& group : shape.groups) {
    page_bytes.push_back(PagePool::page_bytes_of(group, type, kernels));
  }
  const auto bytes_of = [&](int64_t full_pages) {
    int64_t bytes = 0;
    for (size_t i = 0; i < shape.groups.size(); ++i) {
      bytes += pages_of_group(shape.groups[i], full_pages, request) * page_bytes[i];
    }
    return bytes;
  };
  // A whole context and the page that is being copied.
  const int64_t context_pages =
      std::min(page_count_max, page_count_for(request.context_tokens) + 1);
  int64_t budget = request.cache_bytes;
  int64_t most = page_count_max;
  if (budget == 0) {
    budget = std::max(default_bytes_max, bytes_of(context_pages));
    most = std::min(page_count_max, default_contexts * context_pages);
  }
  // The largest number of pages per full group whose bytes fit.
  int64_t fits = 0;
  for (int64_t step = page_count_max; step > 0; step /= 2) {
    if (fits + step <= most && bytes_of(fits + step) <= budget) fits += step;
  }
  if (fits < 2) {
    throw Error(ErrorCode::out_of_memory,
                fmt::format("a cache of {} bytes holds no page, at least {} are needed", budget,
                            bytes_of(2)));
  }
  CachePlan plan;
  plan.context_tokens = std::min(request.context_tokens, (fits - 1) * page_tokens);
  for (const CacheGroupShape& group : shape.groups) {
    plan.page_counts.push_back(pages_of_group(group, fits, request));
  }
  plan.bytes = bytes_of(fits);
  return plan;
}

}  // namespace hearth::engine
