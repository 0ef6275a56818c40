// A small model that guesses what a large one with the same vocabulary will write. It has cache
// pages and sequences of its own, which follow what the large one's answers really became. Used by
// the engine worker only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/generation.h"
#include "engine/gguf/reader.h"
#include "engine/kv_cache/cache_plan.h"
#include "engine/kv_cache/page_pools.h"
#include "engine/kv_cache/sequence_cache.h"
#include "engine/models/model_runner.h"
#include "engine/speculation/step_costs.h"
#include "engine/step_plan.h"

namespace hearth::engine {

struct DraftModelOptions {
  CachePlan cache;
  KvType kv_type = KvType::f16;
  int32_t step_tokens = 128;  // read at a time while it catches up
};

class DraftModel {
 public:
  // Guesses wanted for one answer.
  struct Request {
    RequestId id = 0;
    std::span<const TokenId> tokens;  // prompt and answer so far
    int32_t depth = 0;                // guesses wanted; 0: none in this step
    std::vector<TokenId> guesses;     // result: `depth`, or none while it is still reading
  };

  // kernels and clock must outlive it.
  DraftModel(std::unique_ptr<ModelRunner> model, const KernelTable& kernels, const Clock& clock,
             const DraftModelOptions& options);
  ~DraftModel();

  // Reads what is missing, at most step_tokens for all of them, and guesses for those that are up
  // to date. An answer whose pages do not fit gets no guesses.
  void guess(std::span<Request> requests);
  // Tokens of this answer that would have to be read before the first guess.
  int64_t unread(RequestId id, std::span<const TokenId> tokens);
  // The answer has ended, or begins again with other tokens.
  void forget(RequestId id);

  // Expected seconds of one guess for each of so many answers; 0 before anything was measured.
  double seconds(int32_t answers) const;
  int64_t weight_bytes() const { return model_->weight_bytes(); }
  int64_t cache_bytes() const;
  int64_t context_tokens() const { return options_.cache.context_tokens; }
  // Memory of unused pages goes back to the system.
  void rest();

 private:
  struct Answer;

  Answer& follow(RequestId id, std::span<const TokenId> tokens);
  bool make_room(Answer& answer, int64_t tokens);
  void read_missing(std::span<Request> requests);
  void draft(std::span<Request*> requests);
  void add_span(Answer& answer, std::span<const TokenId> tokens, Role role, bool wants_logits);
  void run();

  std::unique_ptr<ModelRunner> model_;
  const Clock& clock_;
  DraftModelOptions options_;
  PagePools pools_;
  std::unordered_map<RequestId, std::unique_ptr<Answer>> answers_;
  StepCosts costs_;
  StepPlan plan_;
  std::vector<float> logits_;
  int64_t uses_ = 0;
};

// Why a model with this vocabulary cannot guess for one with that; empty when it can.
std::string vocabulary_difference(const GgufFile& target, const GgufFile& draft);

}  // namespace hearth::engine
