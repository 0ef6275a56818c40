// Sets of bytes, and the plan that is made of them.
#include "registry/remote/byte_ranges.h"

#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "registry/remote/chunk_plan.h"

using namespace hearth::registry;

TEST_CASE("byte_ranges: against a set of single bytes") {
  std::mt19937 random(7);
  ByteRanges ranges;
  std::set<uint64_t> bytes;
  for (int step = 0; step < 300; ++step) {
    const uint64_t first = random() % 60;
    const uint64_t end = first + random() % 12;
    const bool adds = random() % 3 != 0;
    adds ? ranges.add({first, end}) : ranges.remove({first, end});
    for (uint64_t i = first; i < end; ++i) adds ? void(bytes.insert(i)) : void(bytes.erase(i));
    REQUIRE(ranges.size_bytes() == bytes.size());
    uint64_t front = 0;
    while (bytes.contains(front)) ++front;
    REQUIRE(ranges.front() == front);
    const auto gap = ranges.gap({5, 70});
    REQUIRE(gap);
    uint64_t missing = 5;
    while (bytes.contains(missing)) ++missing;
    REQUIRE(gap->first == missing);
    uint64_t until = missing;
    while (until < 70 && !bytes.contains(until)) ++until;
    REQUIRE(gap->end == until);
    REQUIRE(ByteRanges::parse(ranges.print(), 100) == ranges);
  }
}

TEST_CASE("byte_ranges: texts that make no sense") {
  CHECK(ByteRanges::parse("", 10)->list().empty());
  for (const char* text : {"1", "1-", "-1", "5-3", "3-3", "0-11", "0-2 1-3", "0-2 2-3", "0-2  3-4",
                           "a-b", "0-2,3-4", "0-99999999999999999999", " 0-2"}) {
    INFO(text);
    CHECK_FALSE(ByteRanges::parse(text, 10));
  }
}

TEST_CASE("chunk_plan: parts from the front, each byte once, until all is there") {
  constexpr uint64_t size = 10'000;
  ByteRanges done;
  done.add({1000, 3000});
  ChunkPlan plan(size, done, 2000);
  const auto first = plan.take();
  REQUIRE(first);
  CHECK(plan.left(*first) == ByteRange{0, 1000});
  const auto second = plan.take();
  CHECK(plan.left(*second) == ByteRange{3000, 5000});
  plan.arrived(*second, 500);
  CHECK(plan.left(*second) == ByteRange{3500, 5000});
  plan.release(*second);  // lost: what is missing of it comes next
  CHECK(plan.left(*plan.take()) == ByteRange{3500, 5500});
  plan.arrived(*first, 1000);
  CHECK(plan.left(*first).size() == 0);
  CHECK(plan.done().front() == 3500);
  while (const auto part = plan.take()) plan.arrived(*part, plan.left(*part).size());
  CHECK_FALSE(plan.is_complete());  // the third part is still out
  CHECK(plan.done().size_bytes() == size - 2000);
  plan.add({3500, 5500});
  CHECK(plan.is_complete());
  plan.lose({10, 20});
  CHECK_FALSE(plan.is_complete());
}

TEST_CASE("chunk_plan: the back half of a slow part") {
  constexpr uint64_t mebibyte = 1 << 20;
  ChunkPlan plan(8 * mebibyte, {}, 8 * mebibyte);
  const auto slow = plan.take();
  CHECK_FALSE(plan.take());
  const auto helper = plan.split(*slow);
  REQUIRE(helper);
  CHECK(plan.left(*slow) == ByteRange{0, 4 * mebibyte});
  CHECK(plan.left(*helper) == ByteRange{4 * mebibyte, 8 * mebibyte});
  plan.arrived(*slow, 3 * mebibyte);
  CHECK_FALSE(plan.split(*slow));  // not worth it
}

TEST_CASE("plan: somebody may want less than a part") {
  ChunkPlan plan(10'000, {}, 4'000);
  CHECK(plan.left(*plan.take(300)) == ByteRange{0, 300});
  CHECK(plan.left(*plan.take(9'000)) == ByteRange{300, 4'300});
}

TEST_CASE("chunk_plan: no part is larger than what one damaged byte may cost") {
  CHECK(part_bytes_for(1000, 4) == 1 << 20);
  CHECK(part_bytes_for(uint64_t{1} << 30, 4) == 32 << 20);
  CHECK(part_bytes_for(uint64_t{1} << 40, 1) == 64 << 20);
}
