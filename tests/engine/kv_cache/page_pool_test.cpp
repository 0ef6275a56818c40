// Reference counts, addresses and memory of cache pages.
#include "engine/kv_cache/page_pool.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>

#include "base/error.h"

using namespace hearth;
using namespace hearth::engine;

namespace {

// Only the size of a head matters to the pool; an odd size shows that heads are rounded up.
int64_t odd_head_bytes(const KvHeadShape& shape) noexcept {
  return page_tokens * (shape.key_dim + shape.value_dim) * (shape.type == KvType::f16 ? 2 : 4) + 4;
}

KernelTable sizes_only() {
  KernelTable table{};
  table.kv_head_bytes = odd_head_bytes;
  return table;
}

const CacheGroupShape two_layers{CacheGroupKind::full, 0, {{2, 8, 8}, {3, 8, 16}}};

}  // namespace

TEST_CASE("heads of a page are aligned and do not overlap") {
  const PagePool pool(two_layers, KvType::f16, sizes_only(), 3);
  const int64_t first_layer_head = 1088;   // 32 * 16 * 2 + 4 rounded up to 64
  const int64_t second_layer_head = 1600;  // 32 * 24 * 2 + 4 rounded up to 64
  REQUIRE(pool.page_bytes() == 2 * first_layer_head + 3 * second_layer_head);
  REQUIRE(pool.head_data(0, 0, 1) - pool.head_data(0, 0, 0) == first_layer_head);
  REQUIRE(pool.head_data(0, 1, 0) - pool.head_data(0, 0, 0) == 2 * first_layer_head);
  REQUIRE(pool.head_data(2, 1, 2) - pool.head_data(0, 0, 0) ==
          2 * pool.page_bytes() + 2 * first_layer_head + 2 * second_layer_head);
  REQUIRE(reinterpret_cast<uintptr_t>(pool.head_data(1, 1, 1)) % 64 == 0);
  REQUIRE(pool.head_shape(1).value_dim == 16);
  REQUIRE(pool.head_shape(1).type == KvType::f16);
}

TEST_CASE("a quantised cache refuses heads that are no whole blocks") {
  const auto names_all = [](const std::string& text) {
    return text.find("q8_0") != text.npos && text.find("heads of 8;") != text.npos &&
           text.find("f16 or f32") != text.npos;
  };
  const auto message = Catch::Predicate<std::string>(names_all);
  CHECK_THROWS_WITH(PagePool(two_layers, KvType::q8_0, sizes_only(), 3), message);
  CHECK_THROWS_WITH(PagePool::page_bytes_of(two_layers, KvType::q8_0, sizes_only()), message);
  const CacheGroupShape whole{CacheGroupKind::full, 0, {{2, 64, 32}}};
  CHECK(PagePool(whole, KvType::q8_0, sizes_only(), 3).head_shape(0).type == KvType::q8_0);
}

TEST_CASE("a page returns when its last reference goes") {
  PagePool pool(two_layers, KvType::f32, sizes_only(), 2);
  const PageId a = pool.acquire().value();
  const PageId b = pool.acquire().value();
  REQUIRE(a != b);
  REQUIRE_FALSE(pool.acquire());
  pool.add_reference(a);
  pool.release(a);
  REQUIRE(pool.free_pages() == 0);
  REQUIRE(pool.references(a) == 1);
  pool.release(a);
  REQUIRE(pool.free_pages() == 1);
  REQUIRE(pool.acquire().value() == a);
}

TEST_CASE("pages held by the prefix index alone are reclaimable") {
  PagePool pool(two_layers, KvType::f32, sizes_only(), 2);
  const PageId page = pool.acquire().value();
  pool.add_reference(page);
  pool.set_cached(page, true);
  REQUIRE(pool.reclaimable_pages() == 0);
  pool.release(page);
  REQUIRE(pool.reclaimable_pages() == 1);
  pool.add_reference(page);
  REQUIRE(pool.reclaimable_pages() == 0);
  pool.release(page);
  pool.set_cached(page, false);
  REQUIRE(pool.reclaimable_pages() == 0);
  pool.release(page);
  REQUIRE(pool.free_pages() == 2);
}

TEST_CASE("copy takes every byte of a page and nothing else") {
  PagePool pool(two_layers, KvType::f16, sizes_only(), 3);
  const PageId before = pool.acquire().value();
  const PageId from = pool.acquire().value();
  const PageId to = pool.acquire().value();
  const size_t bytes = static_cast<size_t>(pool.page_bytes());
  std::memset(pool.head_data(before, 0, 0), 1, bytes);
  std::memset(pool.head_data(from, 0, 0), 2, bytes);
  pool.copy(from, to);
  REQUIRE(std::memcmp(pool.head_data(from, 0, 0), pool.head_data(to, 0, 0), bytes) == 0);
  REQUIRE(*(pool.head_data(before, 0, 0) + bytes - 1) == std::byte{1});
}

TEST_CASE("giving memory back spares pages in use") {
  PagePool pool({CacheGroupKind::full, 0, {{4, 128, 128}}}, KvType::f32, sizes_only(), 8);
  const size_t bytes = static_cast<size_t>(pool.page_bytes());
  std::vector<PageId> pages;
  for (int i = 0; i < 8; ++i) {
    pages.push_back(pool.acquire().value());
    std::memset(pool.head_data(pages.back(), 0, 0), 7, bytes);
  }
  for (int i = 0; i < 8; ++i) {
    if (i != 3) pool.release(pages[static_cast<size_t>(i)]);
  }
  pool.give_back_memory();
  const std::byte* kept = pool.head_data(pages[3], 0, 0);
  REQUIRE(std::count(kept, kept + bytes, std::byte{7}) == static_cast<int64_t>(bytes));
  // Fresh memory is zero: the middle of a run of free pages must have been given back.
  REQUIRE(*(pool.head_data(pages[5], 0, 0) + bytes / 2) == std::byte{0});
  std::set<PageId> again;
  while (const std::optional<PageId> page = pool.acquire()) again.insert(*page);
  REQUIRE(again.size() == 7);
}

TEST_CASE("more than the address space holds is an error, not a crash") {
  const CacheGroupShape huge{CacheGroupKind::full, 0,
                             std::vector<CacheLayerShape>(1000, {1024, 16384, 16384})};
  REQUIRE_THROWS_AS(PagePool(huge, KvType::f32, sizes_only(), 1 << 20), Error);
}
