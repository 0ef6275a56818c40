// The heart of an engine without its thread: requests in, steps of the model, events out.
// One thread uses it; time comes from a Clock, cancellation from a question.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/engine/answer_reader.h"
#include "engine/engine/sequence.h"
#include "engine/generation.h"
#include "engine/kv_cache/cache_plan.h"
#include "engine/kv_cache/page_pools.h"
#include "engine/kv_cache/prefix_index.h"
#include "engine/models/model_runner.h"
#include "engine/scheduler/scheduler.h"
#include "engine/speculation/draft_model.h"
#include "engine/speculation/sequence_guesses.h"
#include "engine/speculation/speculator.h"
#include "engine/step_plan.h"
#include "engine/tokenizer/tokenizer.h"

namespace hearth::engine {

class ComputeLease;

struct StepLoopOptions {
  CachePlan cache;
  KvType kv_type = KvType::f16;
  SchedulerLimits limits;
  ComputeLease* lease = nullptr;
  int32_t adapter_count = 0;  // loaded beside the model
  SpeculationOptions speculation;
};

struct CacheUse {
  int64_t reserved_bytes = 0;
  int64_t used_bytes = 0;  // pages of running sequences and of the prefix index
};

class StepLoop final : private PageSource {
 public:
  using EventSink = std::function<void(GenerationEvent)>;
  // Whether the caller gave a request up; asked between the operations of a step.
  using CancelQuestion = std::function<bool(RequestId)>;

  // model, tokenizer, kernels and clock must outlive the loop.
  StepLoop(ModelRunner& model, const Tokenizer& tokenizer, const KernelTable& kernels,
           const Clock& clock, const StepLoopOptions& options, EventSink sink);
  // From now on this model guesses too. Before the first request.
  void set_draft(std::unique_ptr<DraftModel> draft) { draft_ = std::move(draft); }
  ~StepLoop() override;

  int64_t context_tokens() const { return options_.cache.context_tokens; }

  // `tokens` is the whole prompt. What is wrong with the request becomes its final event.
  void add(const GenerationRequest& request, std::vector<TokenId> tokens);
  // The final event of a request that never came this far.
  void refuse(RequestId id, ErrorCode code, const std::string& message);
  // Any thread: what takes long about a constraint, so that add() need not do it.
  void prepare(const ConstraintSpec& spec) { constraints_.prepare(spec.grammar); }
  void cancel(RequestId id);
  void cancel_all();

  bool has_work() const { return !sequences_.empty(); }
  // One step of the model. Errors end the sequences of the step, not the loop.
  void step(const CancelQuestion& is_cancelled);
  // What is worth doing while nobody waits: has_unread_answers() says whether anything is,
  // `must_stop` whether somebody came.
  bool has_unread_answers() const { return reader_.has_work(); }
  void read_answers(const std::function<bool()>& must_stop) { reader_.step(must_stop); }
  int64_t answer_tokens_read() const { return reader_.tokens_read(); }
  // Nobody is being answered: memory of unused pages goes back to the system.
  void rest();

  int32_t running() const { return scheduler_.started_count(); }
  int32_t waiting() const { return scheduler_.waiting_count(); }
  int64_t preemptions() const { return preemptions_; }
  const GuessCounts& guess_counts() const { return guess_counts_; }
  CacheUse cache_use() const;
  void check_integrity() const;

 private:
  struct Entry {
    std::unique_ptr<Sequence> sequence;
    bool return_tokens = false;
    SequenceGuesses guesses;
  };

  bool has_room(std::span<const PageDemand> demands) override;
  bool should_wait(SequenceId id) override;
  int64_t start(SequenceId id) override;
  bool reserve(SequenceId id, int64_t tokens) override;
  void drop(SequenceId id) override;

  Entry& entry(SequenceId id) { return sequences_.find(id)->second; }
  Sequence& sequence(SequenceId id) { return *entry(id).sequence; }
  void admit(const GenerationRequest& request, std::vector<TokenId> tokens);
  int64_t shareable_tokens(const Sequence& s, int64_t length) const;
  int64_t pages_to_grow(const Sequence& s, size_t group, int64_t tokens) const;
  void leave_cache(Sequence& s);

  void offer_guesses();
  void draft_guesses(std::span<const SequenceId> ids);
  void build_plan(std::span<const ScheduledSpan> spans);
  bool run_model(std::span<const ScheduledSpan> spans, const CancelQuestion& is_cancelled);
  void take_results(std::span<const ScheduledSpan> spans);
  void index_pages(Sequence& s);
  void take_answer(const ScheduledSpan& span, float* logits);
  bool sample(Entry& answer, std::span<float> logits, std::optional<TokenId> guess);
  void fail_step(ErrorCode code, const std::string& message);
  void finish(RequestId id, FinishReason reason, ErrorCode code, const std::string& message);

  ModelRunner& model_;
  const Tokenizer& tokenizer_;
  const Clock& clock_;
  StepLoopOptions options_;
  EventSink sink_;
  PagePools pools_;
  DryBreakerCache dry_breakers_;
  ConstraintPool constraints_;
  SequenceSetting setting_;
  Scheduler scheduler_;
  Speculator speculator_;
  PrefixIndex index_;
  AnswerReader reader_;  // goes before the index
  std::unordered_map<RequestId, Entry> sequences_;
  int64_t preemptions_ = 0;
  GuessCounts guess_counts_;
  std::vector<ScheduledSpan> step_spans_;
  StepPlan plan_;
  std::vector<SequenceSpan> spare_spans_;  // keep their storage between steps
  std::unique_ptr<DraftModel> draft_;      // null: none
  std::vector<DraftModel::Request> draft_requests_;
  std::vector<SequenceGuesses*> answers_;  // of the step being decided
  std::unique_ptr<float[]> logits_;        // [sequences_max + Speculator::columns_max, vocab]
};

}  // namespace hearth::engine
