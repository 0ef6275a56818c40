#include "engine/models/model_runner.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "engine/backend/cpu_backend.h"
#include "engine/gguf/keys.h"
#include "engine/models/bert_encoder.h"
#include "engine/models/dense_decoder.h"
#include "engine/models/hyper_parameters.h"
#include "engine/models/weight_loader.h"

namespace hearth::engine {
namespace {

// No encoder reads more, and a file cannot make the buffers larger than this.
constexpr int64_t tokens_limit = 65536;

struct BoundModel {
  Tape tape;
  VectorStorage storage;
  HugeMemory memory;
  WeightPlacement placement;
  CacheShape cache;
  int64_t context_length = 0;
  int64_t weight_bytes = 0;
  ModelOutputs outputs;
};

class CpuModelRunner final : public ModelRunner {
 public:
  CpuModelRunner(BoundModel model, const CpuBackend::Options& options)
      : storage_(std::move(model.storage)),
        memory_(std::move(model.memory)),
        placement_(std::move(model.placement)),
        cache_(std::move(model.cache)),
        context_length_(model.context_length),
        weight_bytes_(model.weight_bytes),
        outputs_(model.outputs),
        step_tokens_max_(static_cast<int32_t>(options.sizes.step_rows)),
        backend_(std::move(model.tape), options) {}

  const CacheShape& cache_shape() const override { return cache_; }
  const ModelOutputs& outputs() const override { return outputs_; }
  int64_t head_width() const override { return backend_.tape().logits_width(); }
  int64_t vocab_size() const override { return outputs_.vocab_size; }
  int32_t step_tokens_max() const override { return step_tokens_max_; }
  int64_t context_length() const override { return context_length_; }
  int64_t weight_bytes() const override { return weight_bytes_; }
  const WeightPlacement& placement() const override { return placement_; }

  bool run(const StepPlan& plan, std::span<PagePool* const> pools, std::span<float> outputs,
           const std::function<bool()>& is_cancelled) override {
    HEARTH_CHECK(pools.size() == cache_.groups.size());
    return backend_.run(plan, pools, outputs, is_cancelled);
  }

 private:
  VectorStorage storage_;
  HugeMemory memory_;
  WeightPlacement placement_;
  CacheShape cache_;
  int64_t context_length_;
  int64_t weight_bytes_;
  ModelOutputs outputs_;
  int32_t step_tokens_max_;
  CpuBackend backend_;
};

// "attn_norm, attn_q, ...": what the file's layers are made of.
std::string layer_part_names(const GgufFile& file) {
  constexpr size_t named_max = 40;
  std::set<std::string> parts;
  for (const TensorInfo& tensor : file.tensors()) {
    const size_t start = tensor.name.find('.', 4);
    if (!tensor.name.starts_with("blk.") || start == std::string::npos) continue;
    const size_t end = tensor.name.find('.', start + 1);
    if (parts.size() < named_max)
      parts.insert(printable(tensor.name.substr(start + 1, end - start - 1)));
  }
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

const ArchitectureRow& require_architecture(const GgufFile& file) {
  const std::string_view name = file.metadata().require_string(key_architecture);
  const ArchitectureRow* row = find_architecture(name);
  if (row == nullptr) {
    throw Error(ErrorCode::unsupported,
                file.what() + ": architecture \"" + printable(name) +
                    "\" is not supported; hearth runs " + architecture_names() +
                    ". It would need code for layers of " + layer_part_names(file));
  }
  return *row;
}

ModelOutputs outputs_of(const Tape& tape, const HyperParameters& parameters) {
  ModelOutputs outputs;
  outputs.pooling = parameters.pooling;
  for (const Operation& operation : tape.operations()) {
    const Attention* attention = std::get_if<Attention>(&operation);
    if (attention != nullptr && attention->is_bidirectional) outputs.is_bidirectional = true;
  }
  if (tape.hidden() != no_buffer) outputs.hidden_width = tape.buffer(tape.hidden()).width;
  if (parameters.pooling == Pooling::rank) {
    outputs.score_count = tape.logits_width();
  } else if (outputs.is_bidirectional) {
    outputs.has_embedding_head = tape.logits() != no_buffer;
  } else {
    outputs.vocab_size = tape.logits_width();
  }
  return outputs;
}

BoundModel bind(const GgufFile& file, const ModelRunnerOptions& options) {
  const KernelTable& kernels = *options.kernels;
  const ArchitectureRow& architecture = require_architecture(file);
  HyperParameters parameters = read_hyper_parameters(file.metadata(), architecture);
  if (options.context_tokens > 0)
    parameters.context_used = std::min(parameters.context_length, options.context_tokens);
  BoundModel model;
  WeightLoader loader(file, kernels, model.tape, model.storage);
  Emission emission{architecture, parameters, loader, model.tape, model.cache};
  const auto emit = architecture.block == Block::bert ? emit_bert_encoder : emit_dense_decoder;
  emit(emission);
  loader.finish();
  model.context_length = parameters.context_length;
  model.outputs = outputs_of(model.tape, parameters);
  model.weight_bytes = loader.weight_bytes();
  for (const AdapterFile& adapter : options.adapters) {
    model.weight_bytes +=
        load_adapter(adapter, file.metadata(), kernels, model.tape, model.storage);
  }
  return model;
}

}  // namespace

std::unique_ptr<ModelRunner> ModelRunner::load(const GgufFile& file,
                                               const ModelRunnerOptions& options,
                                               const std::function<bool(double)>& progress) {
  HEARTH_CHECK(options.kernels != nullptr && options.threads >= 1);
  HEARTH_CHECK(options.step_tokens_max >= 1 && options.output_tokens_max >= 1);
  BoundModel model = bind(file, options);
  model.placement =
      place_weights(file, {options.kernels, options.threads, options.weight_memory_max}, progress,
                    model.tape, model.memory);
  CpuBackend::Options backend;
  backend.kernels = options.kernels;
  backend.threads = options.threads;
  backend.sizes = {options.step_tokens_max, options.output_tokens_max};
  if (model.outputs.is_bidirectional) {
    const int64_t longest = options.input_tokens_max > 0
                                ? std::min(options.input_tokens_max, model.context_length)
                                : model.context_length;
    backend.sizes.step_rows = std::max(backend.sizes.step_rows, std::min(longest, tokens_limit));
    backend.sizes.output_rows = backend.sizes.step_rows;
  }
  return std::make_unique<CpuModelRunner>(std::move(model), backend);
}

}  // namespace hearth::engine
