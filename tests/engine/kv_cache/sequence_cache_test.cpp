// Growing, sliding, adopting and copying page tables.
#include "engine/kv_cache/sequence_cache.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "tests/support/cache_simulation.h"

using namespace hearth::engine;
using namespace hearth::testing;

namespace {

std::vector<TokenId> counting_tokens(size_t count) {
  std::vector<TokenId> tokens(count);
  std::iota(tokens.begin(), tokens.end(), 100);
  return tokens;
}

int64_t pages_in_table(const SequenceCache& cache, int32_t group) {
  const std::span<const PageId> pages = cache.pages(group);
  return std::count_if(pages.begin(), pages.end(), [](PageId page) { return page != no_page; });
}

}  // namespace

TEST_CASE("a sequence acquires a page per 32 tokens and gives all back") {
  const CacheShape shape = full_shape();
  const Pools pools(shape, 4);
  {
    SequenceCache cache(shape, pools.all(), 128);
    REQUIRE(cache.pages_missing(0, 1) == 1);
    REQUIRE(cache.extend(32));
    REQUIRE(pools[0].free_pages() == 3);
    cache.advance(32);
    REQUIRE(cache.pages_missing(0, 1) == 1);
    REQUIRE(cache.extend(33));
    REQUIRE(pools[0].free_pages() == 1);
    REQUIRE(cache.extend(1));
    REQUIRE(pools[0].free_pages() == 1);
  }
  REQUIRE(pools[0].free_pages() == 4);
}

TEST_CASE("extend is all or nothing over groups") {
  const CacheShape shape = window_shape(40);
  const Pools pools(shape, 3);
  const PageId taken = pools[1].acquire().value();
  SequenceCache cache(shape, pools.all(), 128);
  REQUIRE_FALSE(cache.extend(96));
  REQUIRE(pools[0].free_pages() == 3);
  REQUIRE(pools[1].free_pages() == 2);
  REQUIRE(cache.extend(64));
  pools[1].release(taken);
}

TEST_CASE("a window keeps exactly the pages the next query can see") {
  for (const int64_t window : {1, 16, 32, 33, 64, 100}) {
    const CacheShape shape = window_shape(window);
    const Pools pools(shape, 16);
    const std::vector<TokenId> tokens = counting_tokens(400);
    SequenceCache cache(shape, pools.all(), 400);
    for (const int64_t chunk : {7, 60, 1, 100, 32, 64, 1, 1, 95}) {
      REQUIRE(cache.extend(chunk));
      compute(cache, pools, tokens, cache.length() + chunk);
      cache.slide_windows();
      REQUIRE(sees_the_truth(cache, shape, pools, tokens));
      const int64_t first = std::max<int64_t>(0, cache.length() - window + 1);
      REQUIRE(pages_in_table(cache, 1) == page_count_for(cache.length()) -
                                              std::min(first / 32, page_count_for(cache.length())));
      REQUIRE(pages_in_table(cache, 0) == page_count_for(cache.length()));
    }
  }
}

TEST_CASE("an adopted page that is not full is copied before it is written") {
  const CacheShape shape = window_shape(48);
  const Pools pools(shape, 8);
  const std::vector<TokenId> tokens = counting_tokens(120);
  SequenceCache first(shape, pools.all(), 120);
  REQUIRE(first.extend(80));
  compute(first, pools, tokens, 80);

  std::vector<std::vector<PageId>> tables(2);
  for (int32_t group = 0; group < 2; ++group) {
    const std::span<const PageId> pages = first.pages(group);
    tables[static_cast<size_t>(group)].assign(pages.begin(), pages.end());
  }
  SequenceCache second(shape, pools.all(), 120);
  second.adopt(70, tables);
  REQUIRE(pools[0].free_pages() == 5);
  REQUIRE(second.pages_missing(0, 1) == 1);
  REQUIRE(second.pages_missing(0, 27) == 2);
  REQUIRE(second.extend(27));
  REQUIRE(second.pages(0)[1] == first.pages(0)[1]);
  REQUIRE(second.pages(0)[2] != first.pages(0)[2]);

  std::vector<TokenId> other = tokens;
  std::fill(other.begin() + 70, other.end(), 7);
  compute(second, pools, other, 97);
  REQUIRE(sees_the_truth(first, shape, pools, tokens));
  REQUIRE(sees_the_truth(second, shape, pools, other));
  first.release_all();
  REQUIRE(first.length() == 0);
  REQUIRE(sees_the_truth(second, shape, pools, other));
  second.release_all();
  REQUIRE(pools[0].free_pages() == 8);
  REQUIRE(pools[1].free_pages() == 8);
}

TEST_CASE("without a free page for the copy nothing changes") {
  const CacheShape shape = full_shape();
  const Pools pools(shape, 1);
  SequenceCache first(shape, pools.all(), 32);
  REQUIRE(first.extend(10));
  first.advance(10);
  SequenceCache second(shape, pools.all(), 32);
  second.adopt(5, std::vector<std::vector<PageId>>{{first.pages(0)[0]}});
  REQUIRE_FALSE(second.extend(1));
  REQUIRE(second.pages(0)[0] == first.pages(0)[0]);
}
