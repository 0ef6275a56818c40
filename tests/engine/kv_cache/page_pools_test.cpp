#include "engine/kv_cache/page_pools.h"

#include <catch2/catch.hpp>

#include "tests/support/cache_simulation.h"

using namespace hearth::engine;
using namespace hearth::testing;

TEST_CASE("every cache group has a pool of its own size") {
  const CacheShape shape = window_shape(64);
  const int64_t counts[] = {5, 2};
  const PagePools pools(shape, KvType::f32, sizes_only_kernels(), counts);
  REQUIRE(pools.size() == 2);
  REQUIRE(pools[0].page_count() == 5);
  REQUIRE(pools[1].page_count() == 2);
  REQUIRE(pools.all()[1] == &pools[1]);
  REQUIRE(pools.bytes() == 5 * pools[0].page_bytes() + 2 * pools[1].page_bytes());
  REQUIRE(pools.used_bytes() == 0);
  const PageId page = pools[1].acquire().value();
  REQUIRE(pools.used_bytes() == pools[1].page_bytes());
  pools[1].release(page);
  REQUIRE(pools.used_bytes() == 0);
}
