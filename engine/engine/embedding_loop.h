// Inputs in, vectors out: the part of an engine that answers embedding requests, without its
// thread. One step takes as many waiting inputs as it has room for, one behind the other and
// without padding; a vector is the same bits whatever else is in its steps. An input of a model
// that looks back only may be cut over several steps, one of a bidirectional model is always read
// in one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "engine/engine/adapter_use.h"
#include "engine/generation.h"
#include "engine/kv_cache/page_pools.h"
#include "engine/kv_cache/sequence_cache.h"
#include "engine/models/model_runner.h"
#include "engine/step_plan.h"

namespace hearth::engine {

struct EmbeddingLoopOptions {
  KvType kv_type = KvType::f16;  // of models that look back only; others keep nothing, in f32
  int64_t input_tokens_max = 0;  // longer inputs are refused or truncated
  int32_t step_tokens = 512;
  ComputeLease* lease = nullptr;
  int32_t adapter_count = 0;
};

class EmbeddingLoop {
 public:
  using CancelQuestion = std::function<bool(RequestId)>;

  // model and kernels must outlive the loop.
  EmbeddingLoop(ModelRunner& model, const KernelTable& kernels,
                const EmbeddingLoopOptions& options);
  ~EmbeddingLoop();

  // What is wrong with the request becomes its result.
  void add(const EmbeddingRequest& request, std::vector<TokenId> tokens,
           Engine::EmbeddingSink sink);
  void cancel(RequestId id);
  void cancel_all();
  bool has_work() const { return !inputs_.empty(); }
  // One step of the model. Errors end the inputs of the step, not the loop.
  void step(const CancelQuestion& is_cancelled);
  // Nothing is being read: memory of the pages goes back to the system.
  void rest();

 private:
  struct Input;

  void admit(const EmbeddingRequest& request, std::vector<TokenId> tokens,
             Engine::EmbeddingSink& sink);
  void choose_inputs();
  void build_plan();
  bool run_model(const CancelQuestion& is_cancelled);
  void take_results();
  void take_rows(Input& input, std::span<const float> rows, int64_t width);
  void fail_step(ErrorCode code, const std::string& message);
  int64_t output_width() const;

  ModelRunner& model_;
  EmbeddingLoopOptions options_;
  PagePools pools_;
  std::deque<std::unique_ptr<Input>> inputs_;  // by arrival
  std::vector<Input*> step_inputs_;
  StepPlan plan_;
  std::vector<float> outputs_;
};

}  // namespace hearth::engine
