// Finding, sharing and giving up prefixes.
#include "engine/kv_cache/prefix_index.h"

#include <catch2/catch.hpp>
#include <memory>
#include <random>

#include "tests/support/cache_simulation.h"

using namespace hearth::engine;
using namespace hearth::testing;

namespace {

const PrefixKey anybody{"", "", ""};

// A model of one kind with its pools and index, and sequences run through them one at a time.
struct World {
  World(CacheShape cache_shape, int64_t page_count)
      : shape(std::move(cache_shape)), pools(shape, page_count), index(shape, pools.all()) {}

  // Reads `tokens` as a prompt in chunks; returns how many were taken from the index. Checks what
  // it sees.
  int64_t run(const std::vector<TokenId>& tokens, const PrefixKey& key = anybody,
              int64_t chunk = 1000) {
    SequenceCache cache(shape, pools.all(), 1024);
    const int64_t total = static_cast<int64_t>(tokens.size());
    PrefixIndex::Cursor cursor =
        index.attach(key, std::span(tokens).first(tokens.size() - 1), cache);
    const int64_t taken = cache.length();
    REQUIRE(sees_the_truth(cache, shape, pools, tokens));
    while (cache.length() < total) {
      step(cache, cursor, tokens, std::min(total, cache.length() + chunk));
    }
    index.finish(cursor, std::span(tokens).first(static_cast<size_t>(cache.length())), cache);
    cache.release_all();
    index.check_integrity();
    return taken;
  }

  void step(SequenceCache& cache, PrefixIndex::Cursor& cursor, const std::vector<TokenId>& tokens,
            int64_t end) {
    make_room(cache, end - cache.length());
    compute(cache, pools, tokens, end);
    index.insert(cursor, std::span(tokens).first(static_cast<size_t>(end)), cache);
    cache.slide_windows();
    REQUIRE(sees_the_truth(cache, shape, pools, tokens));
  }

  void make_room(SequenceCache& cache, int64_t token_count) {
    for (int32_t group = 0; group < cache.group_count(); ++group) {
      PagePool& pool = pools[static_cast<size_t>(group)];
      const int64_t missing = cache.pages_missing(group, token_count) - pool.free_pages();
      if (missing > 0) REQUIRE(index.evict(group, missing));
    }
    REQUIRE(cache.extend(token_count));
  }

  CacheShape shape;
  Pools pools;
  PrefixIndex index;
};

std::vector<TokenId> tokens_of(uint32_t seed, size_t count, TokenId vocabulary = 1000) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(count);
  for (TokenId& token : tokens)
    token = static_cast<TokenId>(random() % static_cast<uint32_t>(vocabulary));
  return tokens;
}

std::vector<TokenId> joined(std::vector<TokenId> head, const std::vector<TokenId>& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

}  // namespace

TEST_CASE("the same prompt again computes one token") {
  World world(full_shape(), 32);
  for (const size_t length : {2, 20, 32, 33, 64, 100}) {
    const std::vector<TokenId> prompt = tokens_of(static_cast<uint32_t>(length), length);
    REQUIRE(world.run(prompt) == 0);
    REQUIRE(world.run(prompt) == static_cast<int64_t>(length) - 1);
  }
}

TEST_CASE("a match ends at the first token that differs, inside a page too") {
  World world(full_shape(), 64);
  const std::vector<TokenId> first = tokens_of(1, 100);
  world.run(first);
  for (const size_t same : {1, 31, 32, 50, 64, 95, 99}) {
    std::vector<TokenId> other = first;
    other[same] = 5000 + static_cast<TokenId>(same);
    REQUIRE(world.run(other) == static_cast<int64_t>(same));
  }
  std::vector<TokenId> other = first;
  other[0] = 9999;
  REQUIRE(world.run(other) == 0);
}

TEST_CASE("tenants, adapters and media do not share") {
  World world(full_shape(), 64);
  const std::vector<TokenId> prompt = tokens_of(2, 70);
  for (const PrefixKey& key :
       {PrefixKey{"a", "", ""}, PrefixKey{"", "a", ""}, PrefixKey{"", "", "a"},
        PrefixKey{"1:a", "", ""}, PrefixKey{"ab", "c", ""}, PrefixKey{"a", "bc", ""}}) {
    REQUIRE(world.run(prompt, key) == 0);
    REQUIRE(world.run(prompt, key) == 69);
  }
}

TEST_CASE("a finished sequence leaves its pages to the index, running ones share them") {
  World world(full_shape(), 16);
  const std::vector<TokenId> system = tokens_of(3, 64);
  world.run(joined(system, tokens_of(4, 32)));
  REQUIRE(world.pools[0].free_pages() == 13);
  REQUIRE(world.pools[0].reclaimable_pages() == 3);

  SequenceCache cache(world.shape, world.pools.all(), 256);
  const std::vector<TokenId> next = joined(system, tokens_of(5, 32));
  PrefixIndex::Cursor cursor = world.index.attach(anybody, next, cache);
  REQUIRE(cache.length() == 64);
  REQUIRE(world.pools[0].free_pages() == 13);
  REQUIRE(world.pools[0].reclaimable_pages() == 1);
  // What a running sequence uses stays, whatever the pressure.
  REQUIRE_FALSE(world.index.evict(0, 2));
  REQUIRE(world.pools[0].free_pages() == 14);
  REQUIRE(sees_the_truth(cache, world.shape, world.pools, next));
  world.index.check_integrity();
  world.index.finish(cursor, std::span(next).first(64), cache);
  cache.release_all();
  REQUIRE(world.index.evict(0, 2));
  REQUIRE(world.pools[0].free_pages() == 16);
  REQUIRE(world.index.node_count() == 0);
}

TEST_CASE("equal pages computed at the same time become one") {
  World world(full_shape(), 16);
  const std::vector<TokenId> tokens = tokens_of(6, 96);
  SequenceCache a(world.shape, world.pools.all(), 96);
  SequenceCache b(world.shape, world.pools.all(), 96);
  PrefixIndex::Cursor at_a = world.index.attach(anybody, tokens, a);
  PrefixIndex::Cursor at_b = world.index.attach(anybody, tokens, b);
  world.step(a, at_a, tokens, 96);
  world.step(b, at_b, tokens, 96);
  REQUIRE(world.pools[0].free_pages() == 13);
  REQUIRE(std::equal(a.pages(0).begin(), a.pages(0).end(), b.pages(0).begin()));
  world.index.finish(at_a, tokens, a);
  a.release_all();
  REQUIRE(sees_the_truth(b, world.shape, world.pools, tokens));
  world.index.finish(at_b, tokens, b);
  b.release_all();
  world.index.check_integrity();
}

TEST_CASE("the least recently used prefix goes first, its tail before its head") {
  World world(full_shape(), 12);
  const std::vector<TokenId> a = tokens_of(7, 128);
  const std::vector<TokenId> b = tokens_of(8, 128);
  world.run(a);
  world.run(b);
  REQUIRE(world.run(a) == 127);  // a copy of the last page existed for a moment only
  REQUIRE(world.index.evict(0, 2));
  world.index.check_integrity();
  REQUIRE(world.run(a) == 127);
  REQUIRE(world.run(b) == 64);
}

TEST_CASE("a window needs its last tokens only, and nothing less") {
  World world(window_shape(40), 32);
  const std::vector<TokenId> prompt = tokens_of(9, 256);
  REQUIRE(world.run(prompt) == 0);
  REQUIRE(world.run(prompt) == 255);
  // The middle of the chain loses its window pages: a branch there cannot resume, the end still
  // can.
  const int64_t held = world.index.held_pages(1);
  REQUIRE(world.index.evict(1, held - 3));
  world.index.check_integrity();
  REQUIRE(world.index.held_pages(0) == 8);
  std::vector<TokenId> branch = prompt;
  branch[130] = 7777;
  REQUIRE(world.run(branch) == 0);
  REQUIRE(world.run(joined(prompt, tokens_of(10, 40))) == 256);
}

TEST_CASE("a window model resumes at the longest length all groups can") {
  World world(window_shape(33), 64);
  const std::vector<TokenId> prompt = tokens_of(11, 200);
  world.run(prompt);
  // Pages 0..6 have window entries. Page 2 loses its own by being the oldest but for two that were
  // just used.
  std::vector<TokenId> short_prompt(prompt.begin(), prompt.begin() + 60);
  REQUIRE(world.run(short_prompt) == 59);
  REQUIRE(world.index.evict(1, 1));
  world.index.check_integrity();
  std::vector<TokenId> cut(prompt.begin(), prompt.begin() + 100);
  // 99 needs the keys from 67 on: page 2 is gone, so the end of page 1 is the best there is.
  REQUIRE(world.run(cut) == 64);
}

TEST_CASE("a model with windows only forgets whole chains") {
  World world(window_only_shape(40), 8);
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const std::vector<TokenId> prompt = tokens_of(100 + seed, 130);
    REQUIRE(world.run(prompt, anybody, 32) == 0);
    REQUIRE(world.run(prompt, anybody, 32) == 129);
  }
  world.index.clear();
  REQUIRE(world.pools[0].free_pages() == 8);
  REQUIRE(world.index.node_count() == 0);
}

namespace {

struct Running {
  std::vector<TokenId> tokens;
  PrefixKey key;
  std::unique_ptr<SequenceCache> cache;
  PrefixIndex::Cursor cursor;
};

// Starts, grows and ends up to six sequences at random under page pressure. A small vocabulary
// makes prefixes meet.
void run_at_random(World& world, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Running> running;
  const auto end_one = [&] {
    const size_t which = random() % running.size();
    Running& r = running[which];
    const size_t valid = static_cast<size_t>(r.cache->length()) -
                         random() % 2 * static_cast<size_t>(r.cache->length() % 5);
    if (valid / 32 >= static_cast<size_t>(r.cursor.depth)) {
      world.index.finish(r.cursor, std::span(r.tokens).first(valid), *r.cache);
    } else {
      world.index.finish(
          r.cursor, std::span(r.tokens).first(static_cast<size_t>(r.cache->length())), *r.cache);
    }
    running.erase(running.begin() + static_cast<int64_t>(which));
  };
  for (int turn = 0; turn < 400; ++turn) {
    if (running.size() < 6 && random() % 3 == 0) {
      Running r{tokens_of(random() % 4, 40 + random() % 60, 3),
                {random() % 4 == 0 ? "other" : "", "", ""},
                nullptr,
                {}};
      r.tokens = joined(r.tokens, tokens_of(random() % 50, 1 + random() % 150, 2));
      r.cache = std::make_unique<SequenceCache>(world.shape, world.pools.all(), 512);
      r.cursor =
          world.index.attach(r.key, std::span(r.tokens).first(r.tokens.size() - 1), *r.cache);
      REQUIRE(sees_the_truth(*r.cache, world.shape, world.pools, r.tokens));
      running.push_back(std::move(r));
    } else if (!running.empty()) {
      Running& r = running[random() % running.size()];
      const int64_t left = static_cast<int64_t>(r.tokens.size()) - r.cache->length();
      if (left > 0) {
        world.step(*r.cache, r.cursor, r.tokens,
                   r.cache->length() + 1 + static_cast<int64_t>(random()) % left);
      } else {
        end_one();
      }
    }
    world.index.check_integrity();
  }
  while (!running.empty()) end_one();
  world.index.check_integrity();
  world.index.clear();
  REQUIRE(world.index.node_count() == 0);
}

}  // namespace

TEST_CASE("whatever happens, a sequence sees its own tokens and no page is lost") {
  // Six sequences of at most 250 tokens need 48 pages and a copy each: the index is always under
  // pressure.
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    for (const CacheShape& shape :
         {full_shape(), window_shape(20), window_shape(70), window_only_shape(45)}) {
      World world(shape, 56);
      run_at_random(world, seed);
      for (size_t group = 0; group < shape.groups.size(); ++group) {
        REQUIRE(world.pools[group].free_pages() == 56);
      }
    }
  }
}
