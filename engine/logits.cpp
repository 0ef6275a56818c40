#include "engine/logits.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "engine/backend/available_memory.h"
#include "engine/backend/thread_count.h"
#include "engine/kv_cache/page_pools.h"
#include "engine/kv_cache/plan_span.h"
#include "engine/models/model_runner.h"

namespace hearth::engine {
namespace {

// One sequence with pages of its own for every cache group.
class LoneSequence {
 public:
  LoneSequence(const ModelRunner& runner, const LogitsOptions& options, const KernelTable& kernels,
               int64_t tokens)
      : role_(options.decode_role ? Role::decode : Role::prompt),
        adapter_(options.adapter ? 0 : -1),
        pools_(runner.cache_shape(), options.kv_type, kernels, page_count_for(tokens)),
        cache_(runner.cache_shape(), pools_.all(), tokens) {}

  // The next tokens as one step whose every row is wanted; there is room for them.
  StepPlan next_step(std::span<const TokenId> tokens) {
    HEARTH_CHECK(cache_.extend(std::ssize(tokens)));
    StepPlan plan;
    begin_span(plan, cache_, cache_.length(), role_).adapter = adapter_;
    add_tokens(plan, tokens);
    plan.output_tokens.resize(tokens.size());
    std::iota(plan.output_tokens.begin(), plan.output_tokens.end(), 0);
    cache_.advance(std::ssize(tokens));
    return plan;
  }

  // The next tokens are the first ones again; what the pages hold is forgotten.
  void restart() { cache_.release_all(); }
  int64_t done() const { return cache_.length(); }

  std::span<PagePool* const> pools() const { return pools_.all(); }

 private:
  Role role_;
  int32_t adapter_;
  PagePools pools_;
  SequenceCache cache_;
};

}  // namespace

void evaluate_logits(const GgufFile& file, std::span<const TokenId> tokens,
                     const LogitsOptions& options, const LogitsSink& sink) {
  if (tokens.empty()) throw Error(ErrorCode::invalid_argument, "no token to evaluate");
  if (options.batch < 1) throw Error(ErrorCode::invalid_argument, "batch must be at least 1");
  const KernelTable* kernels = options.kernels != nullptr ? options.kernels : find_kernels("");
  const int32_t step = options.decode_role ? 1 : options.batch;
  const auto step_tokens =
      static_cast<int32_t>(std::min(static_cast<int64_t>(step), std::ssize(tokens)));
  ModelRunnerOptions runner_options;
  runner_options.kernels = kernels;
  runner_options.threads = options.threads > 0 ? options.threads : default_thread_count();
  runner_options.step_tokens_max = step_tokens;
  runner_options.output_tokens_max = step_tokens;
  runner_options.weight_memory_max = weight_memory(available_memory("/"), 0);
  if (options.adapter) runner_options.adapters.push_back(*options.adapter);
  const std::unique_ptr<ModelRunner> runner = ModelRunner::load(file, runner_options, {});
  if (runner->vocab_size() == 0) {
    throw Error(ErrorCode::unsupported,
                file.what() + ": this model makes embeddings only, it has no logits");
  }
  const int64_t context =
      options.context > 0 ? std::min(options.context, std::ssize(tokens)) : std::ssize(tokens);
  LoneSequence sequence(*runner, options, *kernels, context);
  std::vector<float> rows(static_cast<size_t>(step_tokens * runner->vocab_size()));
  for (size_t done = 0; done < tokens.size();) {
    if (sequence.done() == context) sequence.restart();
    const auto left = static_cast<size_t>(context - sequence.done());
    const size_t count = std::min({static_cast<size_t>(step_tokens), left, tokens.size() - done});
    const StepPlan plan = sequence.next_step(tokens.subspan(done, count));
    const std::span<float> out(rows.data(), count * static_cast<size_t>(runner->vocab_size()));
    runner->run(plan, sequence.pools(), out, {});
    sink(out, runner->vocab_size());
    done += count;
  }
}

}  // namespace hearth::engine
