#include "engine/embedding.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/error.h"
#include "engine/backend/available_memory.h"
#include "engine/backend/thread_count.h"
#include "engine/engine/embedding_loop.h"
#include "engine/models/model_runner.h"

namespace hearth::engine {
namespace {

std::unique_ptr<ModelRunner> load_model(const GgufFile& file, int64_t longest,
                                        const KernelTable& kernels,
                                        const EmbeddingOptions& options) {
  ModelRunnerOptions runner_options;
  runner_options.kernels = &kernels;
  runner_options.threads = options.threads > 0 ? options.threads : default_thread_count();
  runner_options.step_tokens_max = options.batch;
  runner_options.output_tokens_max = options.batch;
  runner_options.input_tokens_max = longest;
  runner_options.weight_memory_max = weight_memory(available_memory("/"), 0);
  return ModelRunner::load(file, runner_options, {});
}

// One pass over all inputs; results in the order of the inputs.
std::vector<EmbeddingResult> run_loop(EmbeddingLoop& loop,
                                      std::span<const std::vector<TokenId>> inputs,
                                      EmbeddingRequest request) {
  std::vector<EmbeddingResult> results(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    request.id = i;
    if (inputs[i].empty()) throw Error(ErrorCode::invalid_argument, "an input has no tokens");
    loop.add(request, inputs[i], [&results](EmbeddingResult result) {
      const RequestId id = result.id;
      results[id] = std::move(result);
    });
  }
  while (loop.has_work()) loop.step({});
  for (const EmbeddingResult& result : results) {
    if (result.has_failed) throw Error(result.error, result.message);
  }
  return results;
}

}  // namespace

std::vector<EmbeddedInput> embed_inputs(const GgufFile& file,
                                        std::span<const std::vector<TokenId>> inputs,
                                        const EmbeddingOptions& options) {
  if (options.batch < 1) throw Error(ErrorCode::invalid_argument, "batch must be at least 1");
  int64_t longest = 1;
  for (const std::vector<TokenId>& tokens : inputs)
    longest = std::max<int64_t>(longest, std::ssize(tokens));
  const KernelTable* kernels = options.kernels != nullptr ? options.kernels : find_kernels("");
  const std::unique_ptr<ModelRunner> model = load_model(file, longest, *kernels, options);
  EmbeddingLoopOptions loop_options;
  loop_options.kv_type = options.kv_type;
  loop_options.step_tokens = options.batch;
  loop_options.input_tokens_max = std::min(longest, model->context_length());
  EmbeddingLoop loop(*model, *kernels, loop_options);
  EmbeddingRequest request;
  request.pooling = options.pooling;
  request.normalize = options.normalize;
  request.truncate = options.truncate;
  std::vector<EmbeddedInput> embedded;
  for (EmbeddingResult& result : run_loop(loop, inputs, request))
    embedded.push_back({std::move(result.values), result.width, {}});
  if (!options.with_rows) return embedded;
  request.pooling = Pooling::none;
  request.normalize = false;
  std::vector<EmbeddingResult> rows = run_loop(loop, inputs, request);
  for (size_t i = 0; i < rows.size(); ++i) embedded[i].rows = std::move(rows[i].values);
  return embedded;
}

}  // namespace hearth::engine
