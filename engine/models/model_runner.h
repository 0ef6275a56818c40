// A loaded model that can run steps: weights bound, tape emitted, buffers sized. The seam between
// the scheduler (which decides) and the backend (which computes).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/gguf/reader.h"
#include "engine/kernels/kernels.h"
#include "engine/kv_cache/cache_shape.h"
#include "engine/kv_cache/page_pool.h"
#include "engine/models/adapter_loader.h"
#include "engine/models/weight_placement.h"
#include "engine/pooling.h"
#include "engine/step_plan.h"

namespace hearth::engine {

struct ModelRunnerOptions {
  const KernelTable* kernels = nullptr;  // required
  int32_t threads = 1;                   // compute threads, the calling one included
  int32_t step_tokens_max = 512;         // largest StepPlan; buffers are sized for it at load
  // Inputs of bidirectional models, which cannot be cut: their step takes at least this many. 0: as
  // many as the model was made for.
  int64_t input_tokens_max = 0;
  int32_t output_tokens_max = 512;  // most rows of logits a step may ask for
  // Longest sequence that is wanted: some models have other rope factors for long contexts. 0: what
  // the model was made for.
  int64_t context_tokens = 0;
  // Memory that the matrices may take in tiles and large pages (backend/available_memory.h). They
  // are used in the mapped file where they need more, as with 0.
  int64_t weight_memory_max = 0;
  // Loaded beside the model; spans name them by their place here. The files must outlive the
  // runner.
  std::vector<AdapterFile> adapters = {};
};

// What a model gives besides logits of the next token.
struct ModelOutputs {
  int64_t vocab_size = 0;          // columns of the logits; 0: the model cannot generate
  int64_t hidden_width = 0;        // columns of StepOutput::hidden
  int64_t score_count = 0;         // columns of the head of a reranker; 0: it is none
  std::optional<Pooling> pooling;  // as the file says; absent: not made for embeddings
  // Pooled vectors come from the head rather than from the hidden rows.
  bool has_embedding_head = false;
  // Every token sees the whole input, which must be one span of one step.
  bool is_bidirectional = false;
};

class ModelRunner {
 public:
  // Binds every tensor, moves matrices into memory and sizes every buffer. `file` must outlive the
  // runner. `progress` (0..1)
  // may be empty; returning false cancels. Throws Error{unsupported} naming an unknown
  // architecture, type or feature and what would be needed, Error{corrupt_data} listing all missing
  // or misshapen tensors at once; as place_weights, and for adapters as load_adapter.
  static std::unique_ptr<ModelRunner> load(const GgufFile& file, const ModelRunnerOptions& options,
                                           const std::function<bool(double)>& progress);
  virtual ~ModelRunner() = default;

  virtual const CacheShape& cache_shape() const = 0;
  virtual const ModelOutputs& outputs() const = 0;
  virtual int64_t head_width() const = 0;       // columns of StepOutput::head; 0: there is none
  virtual int64_t vocab_size() const = 0;       // the same in a model that generates, else 0
  virtual int32_t step_tokens_max() const = 0;  // as asked for, or as much as an input may have
  virtual int64_t context_length() const = 0;   // tokens the model was trained for
  virtual int64_t weight_bytes() const = 0;
  virtual const WeightPlacement& placement() const = 0;

  // Runs one step on the calling thread and the compute team. `pools` has one entry per cache
  // group. outputs: [plan.output_tokens.size(), head_width or hidden_width], as plan.output says.
  // Allocates nothing once warm.
  // `is_cancelled` is asked between operations; when it answers true the step stops, outputs are
  // undefined and false is returned.
  virtual bool run(const StepPlan& plan, std::span<PagePool* const> pools, std::span<float> outputs,
                   const std::function<bool()>& is_cancelled) = 0;
};

}  // namespace hearth::engine
