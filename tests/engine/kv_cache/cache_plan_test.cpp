// How bytes become pages.
#include "engine/kv_cache/cache_plan.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "tests/support/cache_simulation.h"

using namespace hearth;
using namespace hearth::engine;
using namespace hearth::testing;

namespace {

constexpr int64_t page_bytes = 32 * 2 * 4;  // of the simulated shapes

CachePlan plan(const CacheShape& shape, const CachePlanRequest& request) {
  return plan_cache(shape, KvType::f32, sizes_only_kernels(), request);
}

}  // namespace

TEST_CASE("by default two contexts are cached") {
  const CachePlan result = plan(full_shape(), {.context_tokens = 1000, .step_tokens = 512});
  REQUIRE(result.page_counts == std::vector<int64_t>{2 * 33});
  REQUIRE(result.context_tokens == 1000);
  REQUIRE(result.bytes == 66 * page_bytes);
}

TEST_CASE("fewer bytes than a context needs shorten the context") {
  const CachePlan result =
      plan(full_shape(),
           {.context_tokens = 1000, .cache_bytes = 11 * page_bytes + 5, .step_tokens = 512});
  REQUIRE(result.page_counts == std::vector<int64_t>{11});
  REQUIRE(result.context_tokens == 320);
  REQUIRE(result.bytes <= 11 * page_bytes + 5);
  REQUIRE_THROWS_AS(
      plan(full_shape(), {.context_tokens = 1000, .cache_bytes = 100, .step_tokens = 512}), Error);
}

TEST_CASE("a window group gets what its windows need") {
  for (const int64_t bytes : {40, 100, 1000, 20000}) {
    const CachePlanRequest request{
        .context_tokens = 4096, .cache_bytes = bytes * page_bytes, .step_tokens = 64};
    const CacheShape shape = window_shape(100);
    const CachePlan result = plan(shape, request);
    REQUIRE(result.bytes <= request.cache_bytes);
    REQUIRE(result.page_counts[1] <= result.page_counts[0]);
    REQUIRE(
        result.page_counts[1] >=
        std::min(result.page_counts[0], window_pages(shape.groups[1], result.context_tokens, 64)));
    REQUIRE(result.page_counts[0] > result.context_tokens / 32);
  }
}

TEST_CASE("a huge context does not overflow") {
  const CachePlan result = plan(
      full_shape(),
      {.context_tokens = int64_t{1} << 40, .cache_bytes = int64_t{1} << 30, .step_tokens = 512});
  REQUIRE(result.bytes <= int64_t{1} << 30);
  REQUIRE(result.context_tokens < int64_t{1} << 40);
}
