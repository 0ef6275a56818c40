// Scheduling decisions on plain data: budgets, fairness, preemption, roles, unsplittable ranges.
#include "engine/scheduler/scheduler.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "base/error.h"

using namespace hearth;
using namespace hearth::engine;

namespace {

constexpr int64_t page = 32;

// A pool that only counts pages; no sharing unless `cached` says what a start finds.
struct CountingPages final : PageSource {
  explicit CountingPages(int64_t total) : free(total) {}

  int64_t pages_for(int64_t tokens) const { return (tokens + page - 1) / page; }
  bool has_room(std::span<const PageDemand> demands) override {
    int64_t missing = 0;
    for (const PageDemand& demand : demands) {
      missing += std::max<int64_t>(0, pages_for(demand.tokens) - held[demand.id]);
    }
    return missing <= free;
  }
  bool should_wait(SequenceId id) override { return waits.contains(id); }
  int64_t start(SequenceId id) override {
    started.push_back(id);
    length[id] = cached[id];
    held[id] = pages_for(cached[id]);
    free -= held[id];
    return cached[id];
  }
  bool reserve(SequenceId id, int64_t tokens) override {
    const int64_t missing = pages_for(length[id] + tokens) - held[id];
    if (missing > free) return false;
    free -= std::max<int64_t>(0, missing);
    held[id] += std::max<int64_t>(0, missing);
    return true;
  }
  void drop(SequenceId id) override {
    dropped.push_back(id);
    give_back(id);
  }
  void give_back(SequenceId id) {
    free += held[id];
    held[id] = length[id] = 0;
  }

  int64_t free;
  std::map<SequenceId, int64_t> held, length, cached;
  std::set<SequenceId> waits;
  std::vector<SequenceId> started, dropped;
};

// Runs steps as the engine would: what is sampled is appended until the answer is full.
struct Run {
  Run(const SchedulerLimits& scheduler_limits, int64_t pages)
      : limits(scheduler_limits), scheduler(scheduler_limits), source(pages) {}

  void add(SequenceId id, int64_t prompt, int64_t answer,
           std::vector<TokenRange> unsplittable = {}) {
    scheduler.add({id, prompt, answer, std::move(unsplittable)});
    prompts[id] = prompt;
    left[id] = answer;
  }
  std::vector<ScheduledSpan> step() {
    const std::span<const ScheduledSpan> decided = scheduler.decide(source);
    const std::vector<ScheduledSpan> spans(decided.begin(), decided.end());
    check(spans);
    scheduler.finish_step();
    for (const ScheduledSpan& span : spans) {
      source.length[span.id] = span.first_token + span.token_count;
      if (span.wants_logits) sample(span.id);
    }
    return spans;
  }
  void sample(SequenceId id) {
    if (--left[id] > 0) {
      scheduler.append(id);
      return;
    }
    scheduler.remove(id);
    source.give_back(id);
    done.push_back(id);
  }
  void check(const std::vector<ScheduledSpan>& spans) const {
    int64_t tokens = 0;
    bool has_seen_prompt = false;
    std::set<SequenceId> ids;
    for (const ScheduledSpan& span : spans) {
      tokens += span.token_count;
      REQUIRE(span.token_count > 0);
      REQUIRE(ids.insert(span.id).second);
      REQUIRE_FALSE((has_seen_prompt && span.role == Role::decode));
      has_seen_prompt |= span.role == Role::prompt;
      REQUIRE(source.length.at(span.id) == span.first_token);
      REQUIRE(source.held.at(span.id) * page >= span.first_token + span.token_count);
      if (!limits.roles_agree) {
        const bool is_prompt = span.first_token < prompts.at(span.id);
        REQUIRE((span.role == Role::prompt) == is_prompt);
        if (is_prompt) REQUIRE(span.first_token + span.token_count <= prompts.at(span.id));
      }
    }
    REQUIRE(tokens <= limits.step_tokens);
  }

  SchedulerLimits limits;
  Scheduler scheduler;
  CountingPages source;
  std::map<SequenceId, int64_t> prompts, left;
  std::vector<SequenceId> done;
};

const ScheduledSpan* find(const std::vector<ScheduledSpan>& spans, SequenceId id) {
  const auto place = std::find_if(spans.begin(), spans.end(),
                                  [&](const ScheduledSpan& span) { return span.id == id; });
  return place == spans.end() ? nullptr : &*place;
}

}  // namespace

TEST_CASE("a prompt alone is read in the largest chunks, then answered token by token") {
  Run run({}, 100);
  run.add(1, 1100, 3);
  for (const int32_t expected : {512, 512, 76}) {
    const std::vector<ScheduledSpan> spans = run.step();
    REQUIRE(spans.size() == 1);
    REQUIRE(spans[0].token_count == expected);
    REQUIRE(spans[0].role == Role::prompt);
    REQUIRE(spans[0].wants_logits == (expected == 76));
  }
  for (int i = 0; i < 2; ++i) {
    const std::vector<ScheduledSpan> spans = run.step();
    REQUIRE(spans[0].token_count == 1);
    REQUIRE(spans[0].role == Role::decode);
    REQUIRE(spans[0].first_token == 1100 + i);
  }
  REQUIRE(run.step().empty());
  REQUIRE(run.source.free == 100);
}

TEST_CASE("answers go on in every step while a long prompt is read in small chunks") {
  Run run({}, 1000);
  for (SequenceId id = 1; id <= 10; ++id) run.add(id, 20, 500);
  run.step();
  run.add(99, 8000, 1);
  for (int i = 0; i < 62; ++i) {
    const std::vector<ScheduledSpan> spans = run.step();
    REQUIRE(spans.size() == 11);
    REQUIRE(find(spans, 99)->token_count == 128);
    REQUIRE(spans.back().id == 99);
  }
}

TEST_CASE("a long prompt does not hold up a short one") {
  Run run({}, 1000);
  run.add(1, 8000, 10);
  run.step();
  run.add(2, 40, 10);
  const std::vector<ScheduledSpan> spans = run.step();
  REQUIRE(find(spans, 2)->token_count == 40);
  REQUIRE(find(spans, 2)->wants_logits);
  REQUIRE(find(spans, 1)->token_count == 472);
}

TEST_CASE("short prompts cannot starve a long one") {
  Run run({}, 4000);
  run.add(1, 8000, 10);
  SequenceId next = 2;
  int steps = 0;
  while (run.scheduler.started_count() == 0 || run.source.length[1] < 8000) {
    for (int i = 0; i < 10; ++i) run.add(next++, 60, 1);
    run.step();
    ++steps;
  }
  REQUIRE(steps <= 8000 / 256 + 1);
}

TEST_CASE("a prefix found in the cache is not computed again") {
  Run run({}, 100);
  run.source.cached[1] = 99;
  run.add(1, 100, 2);
  const std::vector<ScheduledSpan> spans = run.step();
  REQUIRE(spans.size() == 1);
  REQUIRE(spans[0].first_token == 99);
  REQUIRE(spans[0].token_count == 1);
  REQUIRE(spans[0].role == Role::prompt);
  REQUIRE(spans[0].wants_logits);
}

TEST_CASE("who can take over a prefix soon waits, the others do not") {
  Run run({}, 100);
  run.add(1, 600, 1);
  run.add(2, 600, 1);
  run.add(3, 100, 1);
  run.source.waits = {2};
  const std::vector<ScheduledSpan> spans = run.step();
  REQUIRE(find(spans, 2) == nullptr);
  REQUIRE(find(spans, 3)->token_count == 100);
  run.source.waits.clear();
  REQUIRE(find(run.step(), 2) != nullptr);
}

TEST_CASE("a request starts when its pages are there, and nobody overtakes it") {
  Run run({.answer_reserve_tokens = 64}, 20);
  run.add(1, 320, 64);  // 12 pages with its reserve
  run.step();
  run.add(2, 300, 1);  // 10 pages: must wait
  run.add(3, 32, 1);   // would fit
  const std::vector<ScheduledSpan> spans = run.step();
  REQUIRE(spans.size() == 1);
  REQUIRE(run.scheduler.waiting_count() == 2);
  while (run.done.size() < 3) REQUIRE_FALSE(run.step().empty());
  REQUIRE(run.done.front() == 1);
  REQUIRE(run.source.dropped.empty());
}

TEST_CASE("no more sequences than asked for are started at once") {
  Run run({.sequences_max = 4}, 1000);
  for (SequenceId id = 1; id <= 12; ++id) run.add(id, 10, 20);
  while (run.done.size() < 12) {
    REQUIRE(run.step().size() <= 4);
    REQUIRE(run.scheduler.started_count() <= 4);
  }
}

TEST_CASE("when pages run out the youngest gives way and is finished later") {
  for (const bool roles_agree : {false, true}) {
    Run run({.answer_reserve_tokens = 0, .roles_agree = roles_agree}, 10);
    for (SequenceId id = 1; id <= 3; ++id) run.add(id, 60, 200);
    std::map<SequenceId, int64_t> replayed;
    while (run.done.size() < 3) {
      const std::vector<ScheduledSpan> spans = run.step();
      REQUIRE_FALSE(spans.empty());
      for (const ScheduledSpan& span : spans) {
        if (span.first_token >= 60 && span.token_count > 1) {
          REQUIRE(span.role == (roles_agree ? Role::prompt : Role::decode));
          replayed[span.id] += span.token_count;
        }
      }
    }
    REQUIRE(run.done == std::vector<SequenceId>{1, 2, 3});
    REQUIRE(std::find(run.source.dropped.begin(), run.source.dropped.end(), 1) ==
            run.source.dropped.end());
    REQUIRE(run.source.dropped.size() >= 2);
    if (!roles_agree) REQUIRE(replayed[3] > 0);
    REQUIRE(run.source.free == 10);
  }
}

TEST_CASE("a cancelled sequence is gone at once") {
  Run run({}, 100);
  run.add(1, 1000, 5);
  run.add(2, 1000, 5);
  run.step();
  run.scheduler.remove(1);
  run.source.give_back(1);
  const std::vector<ScheduledSpan> spans = run.step();
  REQUIRE(spans.size() == 1);
  REQUIRE(spans[0].id == 2);
  run.scheduler.remove(12345);
}

TEST_CASE("an abandoned step is decided again") {
  Run run({}, 100);
  run.add(1, 100, 5);
  REQUIRE(run.scheduler.decide(run.source)[0].token_count == 100);
  run.scheduler.abandon_step();
  const std::span<const ScheduledSpan> again = run.scheduler.decide(run.source);
  REQUIRE(again[0].first_token == 0);
  REQUIRE(again[0].token_count == 100);
}

TEST_CASE("unsplittable ranges are never cut") {
  Run run({}, 1000);
  const std::vector<TokenRange> ranges{{10, 200}, {210, 90}, {600, 449}, {1200, 5}};
  run.add(1, 3000, 1, ranges);
  run.add(2, 4000, 1);
  for (SequenceId id = 3; id <= 30; ++id) run.add(id, 5, 400);
  int64_t end = 0;
  while (end < 3000) {
    const std::vector<ScheduledSpan> spans = run.step();
    const ScheduledSpan* span = find(spans, 1);
    if (span == nullptr) continue;
    REQUIRE(span->first_token == end);
    end += span->token_count;
    for (const TokenRange& range : ranges)
      REQUIRE_FALSE((range.first < end && end < range.first + range.count));
  }
  REQUIRE_THROWS_AS(run.scheduler.add({50, 600, 1, {{0, 450}}}), Error);
}

TEST_CASE("random loads: every request is finished, budgets hold, no page is lost") {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    SchedulerLimits limits;
    limits.sequences_max = 1 + static_cast<int32_t>(random() % 12);
    limits.step_tokens = limits.sequences_max + static_cast<int32_t>(random() % 200);
    limits.streaming_chunk_tokens = 1 + static_cast<int32_t>(random() % 64);
    limits.answer_reserve_tokens = static_cast<int32_t>(random() % 3) * 64;
    limits.roles_agree = random() % 2 == 0;
    Run run(limits, 20);
    SequenceId id = 1;
    int steps = 0;
    while (run.done.size() < 40) {
      // Prompt and answer fit the pool alone: 20 pages hold 640 tokens.
      if (id <= 40 && random() % 3 == 0) {
        run.add(id++, 1 + static_cast<int64_t>(random() % 400),
                1 + static_cast<int64_t>(random() % 200));
      }
      const bool has_work = run.scheduler.started_count() + run.scheduler.waiting_count() > 0;
      REQUIRE(run.step().empty() == !has_work);
      REQUIRE(++steps < 40000);
    }
    REQUIRE(run.source.free == 20);
  }
}

TEST_CASE("guesses take what is left, and only what came true is kept") {
  SchedulerLimits limits;
  limits.sequences_max = 4;
  limits.step_tokens = 40;
  limits.answer_reserve_tokens = 1;
  Run run(limits, 3);
  run.add(1, 30, 50);
  run.add(2, 10, 50);
  run.step();
  REQUIRE(run.scheduler.answering().size() == 2);
  run.scheduler.offer_guesses(1, 20);
  run.scheduler.offer_guesses(2, 30);
  const std::span<const ScheduledSpan> spans = run.scheduler.decide(run.source);
  REQUIRE(spans.size() == 2);
  // The first one's guesses need one more page, the last one there is.
  CHECK(spans[0].token_count == 21);
  CHECK(spans[0].guess_count == 20);
  CHECK(spans[0].wants_logits);
  CHECK(spans[1].guess_count == 14);  // step_tokens, less room for everybody, less what is used
  run.scheduler.finish_step();
  run.scheduler.append_guessed(1);
  run.scheduler.append_guessed(1);
  run.scheduler.append(1);
  run.scheduler.append(2);
  run.source.length[1] = 33;
  run.source.length[2] = 11;
  // Nothing was offered again: one token each, behind those that were kept.
  const std::vector<ScheduledSpan> next = run.step();
  CHECK(next[0].first_token == 33);
  CHECK(next[0].token_count == 1);
  CHECK(next[1].first_token == 11);
}

TEST_CASE("guesses never preempt and are forgotten with the step that was abandoned") {
  SchedulerLimits limits;
  limits.sequences_max = 4;
  limits.answer_reserve_tokens = 1;
  Run run(limits, 2);
  run.add(1, 31, 50);
  run.add(2, 20, 50);
  run.step();
  run.scheduler.offer_guesses(1, 9);
  CHECK(run.scheduler.decide(run.source)[0].guess_count == 0);
  CHECK(run.source.dropped.empty());
  run.scheduler.abandon_step();
  run.scheduler.offer_guesses(2, 4);
  run.scheduler.abandon_step();
  for (const ScheduledSpan& span : run.step()) CHECK(span.guess_count == 0);
  // Tokens that must stay together come first.
  run.add(3, 60, 5, {{0, 60}});
  run.scheduler.offer_guesses(2, 3);
  for (const ScheduledSpan& span : run.step()) CHECK(span.guess_count == 0);
}
