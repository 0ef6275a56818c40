// One request while it is being answered: its tokens, its place in the cache, its sampler and its
// text. Used by the engine worker only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/constraint/answer_constraint.h"
#include "engine/constraint/constraint_pool.h"
#include "engine/engine/adapter_use.h"
#include "engine/engine/dry_breakers.h"
#include "engine/generation.h"
#include "engine/kv_cache/prefix_index.h"
#include "engine/kv_cache/sequence_cache.h"
#include "engine/sampler/sampler.h"
#include "engine/tokenizer/text_stream.h"
#include "engine/tokenizer/tokenizer.h"

namespace hearth::engine {

// What a sequence shares with all others of its engine.
struct SequenceSetting {
  const Tokenizer& tokenizer;
  const CacheShape& shape;
  std::span<PagePool* const> pools;
  const Clock& clock;
  DryBreakerCache& dry_breakers;
  ConstraintPool& constraints;
  int32_t adapter_count = 0;  // loaded beside the model
};

class Sequence {
 public:
  // `prompt` fits `context_tokens`. Throws as Sampler and AnswerConstraint, and
  // Error{invalid_argument} for an adapter that was not loaded.
  Sequence(const GenerationRequest& request, std::vector<TokenId> prompt, int64_t context_tokens,
           const SequenceSetting& setting);

  RequestId id() const { return id_; }
  const AdapterUse& adapter() const { return adapter_; }
  const PrefixKey& prefix_key() const { return prefix_key_; }
  // Prompt and answer, but for what was shifted out.
  std::span<const TokenId> tokens() const { return tokens_; }
  // Of those, the ones that are read as a prompt.
  int64_t prompt_tokens() const { return prompt_tokens_; }
  // Tokens that can still be generated before the answer ends or the context is full.
  int64_t answer_room() const;
  // The context is full and the answer is to go on behind less of what stood before it.
  bool must_shift() const;
  // Afterwards all tokens count as the prompt. The cache is empty when this is called.
  void shift();

  SequenceCache& cache() { return cache_; }
  const SequenceCache& cache() const { return cache_; }
  std::optional<PrefixIndex::Cursor>& cursor() { return cursor_; }

  // The sequence was started with `cached_tokens` of its tokens in the cache.
  void start(int64_t cached_tokens);
  // Chooses the next token from its logits, as the constraint allows; text that may be shown now
  // and log-probabilities go to `event`. Returns the reason when the answer ends with it.
  std::optional<FinishReason> sample(std::span<float> logits, GenerationEvent& event);
  // What sample() chose last, also where it ended the answer.
  TokenId last_sampled() const { return last_sampled_; }
  void count_guesses(const GuessCounts& counts) {
    timings_.guesses.drafted += counts.drafted;
    timings_.guesses.accepted += counts.accepted;
  }
  // Text still held back, for the end of an answer.
  void finish_text(std::string& text) { text_.finish(text); }
  // The stop string that ended the answer; empty: none did.
  std::string_view stop_hit() const { return text_.stop_hit().value_or(""); }
  Timings timings() const;

 private:
  bool is_shown(TokenId control) const;
  void report_log_probs(GenerationEvent& event) const;

  RequestId id_;
  AdapterUse adapter_;
  PrefixKey prefix_key_;
  const SequenceSetting& setting_;
  std::vector<TokenId> tokens_;
  int64_t context_tokens_;
  bool shifts_;
  int64_t keep_tokens_;
  int64_t prompt_tokens_;
  int64_t answer_tokens_max_;
  Timings timings_;  // before cache_, whose size is what answer_room() says
  Sampler sampler_;
  std::optional<AnswerConstraint> constraint_;
  TextStream text_;
  std::string piece_;
  std::vector<TokenId> shown_;  // control tokens whose names are part of the text
  TokenId last_sampled_ = -1;
  SequenceCache cache_;
  std::optional<PrefixIndex::Cursor> cursor_;
  std::optional<TimePoint> started_;
  std::optional<TimePoint> first_token_;
  TimePoint last_token_;
};

}  // namespace hearth::engine
