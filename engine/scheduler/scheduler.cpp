#include "engine/scheduler/scheduler.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/error.h"

namespace hearth::engine {

Scheduler::Scheduler(const SchedulerLimits& limits) : limits_(limits) {
  HEARTH_CHECK(limits.sequences_max > 0 && limits.step_tokens >= limits.sequences_max);
  HEARTH_CHECK(limits.streaming_chunk_tokens > 0);
  spans_.reserve(static_cast<size_t>(limits.sequences_max));
  demands_.reserve(static_cast<size_t>(limits.sequences_max) + 1);
}

void Scheduler::add(const SequenceRequest& request) {
  HEARTH_CHECK(request.prompt_tokens > 0);
  // Answers go first and leave at least this much to a prompt.
  const int64_t range_max = limits_.step_tokens - limits_.sequences_max + 1;
  for (const TokenRange& range : request.unsplittable) {
    if (range.count > range_max) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} tokens must be computed together, but a step has room for {}: "
                              "send a smaller picture",
                              range.count, range_max));
    }
  }
  Sequence s;
  s.id = request.id;
  s.prompt_tokens = request.prompt_tokens;
  s.answer_tokens_max = request.answer_tokens_max;
  s.unsplittable = request.unsplittable;
  sequences_.push_back(std::move(s));
  candidates_.reserve(sequences_.size());
}

void Scheduler::remove(SequenceId id) {
  std::erase_if(sequences_, [&](const Sequence& s) { return s.id == id; });
}

std::span<const ScheduledSpan> Scheduler::decide(PageSource& source) {
  used_ = 0;
  decide_answers(source);
  decide_guesses(source);
  decide_prompts(source);
  build_spans();
  return spans_;
}

void Scheduler::finish_step() {
  for (Sequence& s : sequences_) s.computed += s.step - s.guesses;
  abandon_step();
}

void Scheduler::abandon_step() {
  for (Sequence& s : sequences_) s.step = s.guesses = s.offered = 0;
}

Scheduler::Sequence& Scheduler::find(SequenceId id) {
  const auto place = std::find_if(sequences_.begin(), sequences_.end(),
                                  [&](const Sequence& s) { return s.id == id; });
  HEARTH_CHECK(place != sequences_.end());
  return *place;
}

void Scheduler::append(SequenceId id) {
  Sequence& s = find(id);
  HEARTH_CHECK(s.unread() == 0);
  ++s.answer_tokens;
}

void Scheduler::append_guessed(SequenceId id) {
  append(id);
  ++find(id).computed;
}

std::span<const SequenceId> Scheduler::answering() {
  answering_.clear();
  for (const Sequence& s : sequences_) {
    if (s.is_decoding()) answering_.push_back(s.id);
  }
  return answering_;
}

void Scheduler::offer_guesses(SequenceId id, int32_t guess_count) {
  Sequence& s = find(id);
  HEARTH_CHECK(s.is_decoding() && guess_count >= 0);
  HEARTH_CHECK(s.answer_tokens + guess_count < s.answer_tokens_max);
  s.offered = guess_count;
}

void Scheduler::restart(SequenceId id, int64_t prompt_tokens, int64_t answer_tokens_max) {
  HEARTH_CHECK(prompt_tokens > 0);
  Sequence& s = find(id);
  s.prompt_tokens = prompt_tokens;
  s.answer_tokens = 0;
  s.answer_tokens_max = answer_tokens_max;
  s.unsplittable.clear();
  s.is_started = false;
  s.computed = 0;
}

int32_t Scheduler::started_count() const {
  return static_cast<int32_t>(std::count_if(sequences_.begin(), sequences_.end(),
                                            [](const Sequence& s) { return s.is_started; }));
}

int32_t Scheduler::waiting_count() const {
  return static_cast<int32_t>(sequences_.size()) - started_count();
}

// Answers are written in the decode role. What a preempted sequence had written is computed again
// in the role it had, unless the roles are the same bits and the faster one will do.
Role Scheduler::role_of(const Sequence& s) const {
  if (s.is_decoding()) return Role::decode;
  return limits_.roles_agree || s.computed < s.prompt_tokens ? Role::prompt : Role::decode;
}

int64_t Scheduler::target_of(const Sequence& s) const {
  const int64_t answer_left = std::max<int64_t>(0, s.answer_tokens_max - s.answer_tokens);
  return s.total() + std::min<int64_t>(answer_left, limits_.answer_reserve_tokens);
}

bool Scheduler::has_room_for(const Sequence& candidate, PageSource& source) {
  demands_.clear();
  for (const Sequence& s : sequences_) {
    if (s.is_started) demands_.push_back({s.id, target_of(s)});
  }
  // One alone always fits: the pools hold a whole context.
  if (demands_.empty()) return true;
  demands_.push_back({candidate.id, target_of(candidate)});
  return source.has_room(demands_);
}

Scheduler::Sequence* Scheduler::youngest_started() {
  const auto place = std::find_if(sequences_.rbegin(), sequences_.rend(),
                                  [](const Sequence& s) { return s.is_started; });
  return place == sequences_.rend() ? nullptr : &*place;
}

bool Scheduler::is_oldest_started(const Sequence& candidate) const {
  const auto place = std::find_if(sequences_.begin(), sequences_.end(),
                                  [](const Sequence& s) { return s.is_started; });
  return place != sequences_.end() && place->id == candidate.id;
}

void Scheduler::preempt(Sequence& s, PageSource& source) {
  source.drop(s.id);
  used_ -= s.step;
  s.step = s.guesses = s.offered = 0;
  s.computed = 0;
  s.is_started = false;
}

void Scheduler::decide_answers(PageSource& source) {
  for (Sequence& s : sequences_) {
    // The youngest gives way, be it this one: those before it, which are older, keep what they were
    // given.
    while (s.is_decoding() && s.step == 0) {
      if (source.reserve(s.id, 1)) {
        s.step = 1;
        ++used_;
      } else {
        preempt(*youngest_started(), source);
      }
    }
  }
}

// Guesses take what nobody else needs: pages that are free or can be, and no room of a range of
// tokens that must stay together.
void Scheduler::decide_guesses(PageSource& source) {
  const bool has_ranges = std::any_of(sequences_.begin(), sequences_.end(), [](const Sequence& s) {
    return !s.unsplittable.empty() && s.unread() > 1;
  });
  for (Sequence& s : sequences_) {
    const int64_t count = std::min(s.offered, limits_.step_tokens - limits_.sequences_max - used_);
    s.offered = 0;
    if (has_ranges || count <= 0 || s.step == 0 || !source.reserve(s.id, 1 + count)) continue;
    s.guesses = count;
    s.step += count;
    used_ += count;
  }
}

void Scheduler::collect_candidates(PageSource& source) {
  candidates_.clear();
  int64_t slots = limits_.sequences_max - started_count();
  may_start_ = true;
  bool has_seen_waiting = false;
  for (size_t i = 0; i < sequences_.size(); ++i) {
    const Sequence& s = sequences_[i];
    if (s.is_started) {
      if (!s.is_decoding() && s.unread() > 0) candidates_.push_back(i);
      continue;
    }
    // Nobody overtakes the oldest that waits for pages.
    if (!has_seen_waiting) may_start_ = has_room_for(s, source);
    has_seen_waiting = true;
    if (may_start_ && slots > 0 && !source.should_wait(s.id)) {
      candidates_.push_back(i);
      --slots;
    }
  }
}

// Half of the budget goes to the oldest prompt, the rest to those with the fewest tokens left, the
// older first; what is left then goes to the oldest again.
void Scheduler::decide_prompts(PageSource& source) {
  const bool is_streaming = used_ > 0;
  int64_t budget = limits_.step_tokens - used_;
  if (is_streaming) budget = std::min<int64_t>(budget, limits_.streaming_chunk_tokens);
  collect_candidates(source);
  if (candidates_.empty()) return;

  Sequence& oldest = sequences_[candidates_.front()];
  budget -= give(oldest, (budget + 1) / 2, source);
  std::sort(candidates_.begin() + 1, candidates_.end(), [this](size_t a, size_t b) {
    const int64_t left_a = sequences_[a].unread();
    const int64_t left_b = sequences_[b].unread();
    return left_a != left_b ? left_a < left_b : a < b;
  });
  for (size_t i = 1; i < candidates_.size() && budget > 0; ++i) {
    Sequence& s = sequences_[candidates_[i]];
    if (s.is_started || !source.should_wait(s.id)) budget -= give(s, budget, source);
  }
  if (budget > 0) give(oldest, budget, source);
}

bool Scheduler::start(Sequence& s, PageSource& source) {
  if (!may_start_ || !has_room_for(s, source)) return false;
  s.computed = source.start(s.id);
  s.is_started = true;
  HEARTH_CHECK(s.computed < s.total());
  return true;
}

// As many of the sequence's next tokens as may be computed together with what it was given already:
// of one role, and no unsplittable range cut.
int64_t Scheduler::chunk_tokens(const Sequence& s, int64_t tokens_max) const {
  const int64_t begin = s.computed + s.step;
  const bool reads_prompt = s.computed < s.prompt_tokens;
  const int64_t role_end = reads_prompt && !limits_.roles_agree ? s.prompt_tokens : s.total();
  int64_t end = std::min(role_end, begin + tokens_max);
  for (const TokenRange& range : s.unsplittable) {
    const int64_t range_end = range.first + range.count;
    if (end <= range.first || end >= range_end) continue;
    end = begin < range.first ? range.first : range_end;
  }
  return end - begin <= limits_.step_tokens - used_ ? end - begin : 0;
}

// Gives up to `tokens_max` more tokens of this step to a prompt; returns how many. An unsplittable
// range may be more.
int64_t Scheduler::give(Sequence& s, int64_t tokens_max, PageSource& source) {
  if (tokens_max <= 0 || (!s.is_started && !start(s, source))) return 0;
  int64_t count = chunk_tokens(s, tokens_max);
  while (count > 0) {
    if (source.reserve(s.id, s.step + count)) {
      s.step += count;
      used_ += count;
      return count;
    }
    const int64_t smaller = chunk_tokens(s, count / 2);
    if (smaller > 0 && smaller < count) {
      count = smaller;
      continue;
    }
    // The oldest makes progress at the cost of the youngest; everybody else waits.
    Sequence* youngest = youngest_started();
    if (s.step > 0 || !is_oldest_started(s) || youngest == &s) return 0;
    preempt(*youngest, source);
    count = chunk_tokens(s, tokens_max);
  }
  return 0;
}

void Scheduler::build_spans() {
  spans_.clear();
  for (const Role role : {Role::decode, Role::prompt}) {
    for (const Sequence& s : sequences_) {
      if (s.step == 0 || role_of(s) != role) continue;
      spans_.push_back({.id = s.id,
                        .first_token = s.computed,
                        .token_count = static_cast<int32_t>(s.step),
                        .role = role,
                        .wants_logits = s.computed + s.step - s.guesses == s.total(),
                        .guess_count = static_cast<int32_t>(s.guesses)});
    }
  }
}

}  // namespace hearth::engine
