// Which tokens the next step computes: every answer that is being written, and a bounded chunk of
// prompts (docs/steps-and-cache.md says what is promised). Decisions only: no tensors, no clock, no
// threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/step_plan.h"

namespace hearth::engine {

using SequenceId = uint64_t;

struct SchedulerLimits {
  int32_t step_tokens = 512;             // tokens per step at most; at least sequences_max
  int32_t streaming_chunk_tokens = 128;  // of those for prompts while an answer is being written
  int32_t sequences_max = 64;            // started at once
  int32_t answer_reserve_tokens =
      256;                   // of an answer's length that must fit before its prompt is started
  bool roles_agree = false;  // KernelTable::roles_agree
};

struct TokenRange {
  int64_t first = 0;
  int64_t count = 0;
};

struct SequenceRequest {
  SequenceId id = 0;
  int64_t prompt_tokens = 0;             // at least 1
  int64_t answer_tokens_max = 0;         // at most this many will be appended
  std::vector<TokenRange> unsplittable;  // ascending ranges of the prompt
};

// Tokens [first_token, first_token + token_count) of a sequence, to be computed in this step.
struct ScheduledSpan {
  SequenceId id = 0;
  int64_t first_token = 0;
  int32_t token_count = 0;
  Role role = Role::prompt;
  bool wants_logits =
      false;                // its last token is the sequence's last: the next one is to be sampled
  int32_t guess_count = 0;  // the last ones of token_count stand behind the sequence's last token
};

struct PageDemand {
  SequenceId id = 0;
  int64_t tokens = 0;  // length the sequence is to grow to
};

// Where pages come from. The engine's has pools and a prefix index behind it; tests count.
class PageSource {
 public:
  virtual ~PageSource() = default;
  // Whether all of these can grow to these lengths at the same time, cached prefixes given up.
  virtual bool has_room(std::span<const PageDemand> demands) = 0;
  // Whether a started prompt is about to compute a prefix that `id` could then take over.
  virtual bool should_wait(SequenceId id) = 0;
  // The sequence begins, or begins again: returns how many of its tokens are in the cache already,
  // not all of them.
  virtual int64_t start(SequenceId id) = 0;
  // Room for `tokens` tokens behind the computed ones. All or nothing; may be repeated with another
  // count.
  virtual bool reserve(SequenceId id, int64_t tokens) = 0;
  // The sequence gives up its pages; it will be started again.
  virtual void drop(SequenceId id) = 0;
};

class Scheduler {
 public:
  explicit Scheduler(const SchedulerLimits& limits);

  // Puts a request at the end of the queue. Throws Error{invalid_argument} for an unsplittable
  // range that can never be in one step.
  void add(const SequenceRequest& request);
  // At once, in whatever state. Its pages are the caller's business. Unknown ids are ignored.
  void remove(SequenceId id);

  // Those whose next token is to be sampled as things stand, by arrival. Valid until the next call.
  std::span<const SequenceId> answering();
  // `guess_count` guesses behind the last token of one of these are to be checked by the next step,
  // if there is room for them. They are fewer than the tokens the answer may still have.
  void offer_guesses(SequenceId id, int32_t guess_count);

  // The spans of the next step, those in the decode role first; empty when there is nothing to
  // compute. At most one per sequence. Valid until the next call. Followed by finish_step() or
  // abandon_step().
  std::span<const ScheduledSpan> decide(PageSource& source);
  // All spans of the decision have been computed. Of guesses nothing is kept but by
  // append_guessed().
  void finish_step();
  // None has been computed; what is still here will be decided again.
  void abandon_step();
  // A token was sampled for a sequence whose span wanted logits.
  void append(SequenceId id);
  // The same, and it was the guess that the step had computed behind the token before.
  void append_guessed(SequenceId id);

  // Instead of append(): the sequence begins again with another prompt, in its old place.
  void restart(SequenceId id, int64_t prompt_tokens, int64_t answer_tokens_max);

  int32_t started_count() const;
  int32_t waiting_count() const;

 private:
  struct Sequence {
    SequenceId id = 0;
    int64_t prompt_tokens = 0;
    int64_t answer_tokens = 0;
    int64_t answer_tokens_max = 0;
    std::vector<TokenRange> unsplittable;
    bool is_started = false;
    int64_t computed = 0;
    int64_t step = 0;     // tokens of the step being decided
    int64_t offered = 0;  // guesses for it
    int64_t guesses = 0;  // of step: those that will be checked

    int64_t total() const { return prompt_tokens + answer_tokens; }
    int64_t unread() const { return total() - computed; }
    bool is_decoding() const { return is_started && computed >= prompt_tokens && unread() == 1; }
  };

  Sequence& find(SequenceId id);
  Role role_of(const Sequence& s) const;
  int64_t target_of(const Sequence& s) const;
  bool has_room_for(const Sequence& candidate, PageSource& source);
  void decide_answers(PageSource& source);
  void decide_guesses(PageSource& source);
  void decide_prompts(PageSource& source);
  void collect_candidates(PageSource& source);
  int64_t give(Sequence& s, int64_t tokens_max, PageSource& source);
  bool start(Sequence& s, PageSource& source);
  int64_t chunk_tokens(const Sequence& s, int64_t tokens_max) const;
  bool is_oldest_started(const Sequence& candidate) const;
  Sequence* youngest_started();
  void preempt(Sequence& s, PageSource& source);
  void build_spans();

  SchedulerLimits limits_;
  std::vector<Sequence> sequences_;  // by arrival; a preempted one keeps its place
  std::vector<ScheduledSpan> spans_;
  std::vector<size_t> candidates_;  // indices of sequences with prompt tokens to compute
  std::vector<PageDemand> demands_;
  std::vector<SequenceId> answering_;
  int64_t used_ = 0;  // tokens of the step so far
  bool may_start_ = false;
};

}  // namespace hearth::engine
