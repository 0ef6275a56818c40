#include "daemon/memory_plan.h"

#include <algorithm>
#include <tuple>
#include <vector>

namespace hearth::daemon {
namespace {

constexpr int64_t context_tokens_min = 4096;
constexpr int64_t context_tokens_unknown =
    4096;  // for files that do not say what they were trained for
constexpr int64_t cache_bytes_max = int64_t{1} << 60;
constexpr int64_t page_slack_bytes = 1 << 20;  // pages that are not full

}  // namespace

ModelPlan plan_model(const engine::ModelInfo& info, const PlanInput& input,
                     const engine::ModelInfo* draft) {
  const int64_t own = info.context_length > 0 ? info.context_length : context_tokens_unknown;
  ModelPlan plan;
  plan.context_tokens = input.context_tokens > 0 ? std::min(input.context_tokens, own) : own;
  const auto cache_of = [&](const engine::ModelInfo& model, int64_t tokens) {
    // Hostile headers may claim more than any integer holds.
    const int64_t bytes = std::min(
        engine::kv_bytes(input.kv_type, engine::cache_value_count(model, tokens)), cache_bytes_max);
    return bytes + bytes / 16 + page_slack_bytes;
  };
  const auto context_bytes = [&](int64_t tokens) {
    return cache_of(info, tokens) + (draft != nullptr ? cache_of(*draft, tokens) : 0);
  };
  const int64_t weight_bytes = info.tensor_bytes + (draft != nullptr ? draft->tensor_bytes : 0);
  const int64_t free_bytes =
      std::max<int64_t>(input.memory_bytes - weight_bytes, input.memory_bytes / 8);
  while (plan.context_tokens > context_tokens_min &&
         context_bytes(plan.context_tokens) > free_bytes) {
    plan.context_tokens = std::max(plan.context_tokens / 2, context_tokens_min);
  }
  const int64_t one = context_bytes(plan.context_tokens);
  const int64_t share = std::max(one, input.memory_bytes / 4);
  const int64_t sequences = std::clamp<int64_t>(share / one, 1, std::max(input.sequences, 1));
  plan.cache_bytes = cache_of(info, plan.context_tokens) * sequences;
  plan.draft_cache_bytes = one * sequences - plan.cache_bytes;
  plan.total_bytes = weight_bytes + one * sequences;
  return plan;
}

bool has_room(std::span<const LoadedModel> loaded, int64_t needed_bytes, const Limits& limits) {
  int64_t used = 0;
  int64_t count = 0;
  for (const LoadedModel& model : loaded) {
    used += model.total_bytes;
    count += model.total_bytes > 0 ? 1 : 0;
  }
  if (needed_bytes == 0 || count == 0) return true;
  return count < limits.models_max && used + needed_bytes <= limits.memory_bytes;
}

bool may_overtake(std::span<const LoadedModel> loaded, std::span<const LoadedModel> staying,
                  std::span<const Wanted> before, const Wanted& wanted, const Limits& limits) {
  std::vector<LoadedModel> future(staying.begin(), staying.end());
  for (const Wanted& other : before) {
    const auto is_same = [&other](const LoadedModel& model) { return model.key == other.key; };
    if (other.key == wanted.key || std::any_of(future.begin(), future.end(), is_same)) continue;
    future.push_back({other.key, other.total_bytes, {}, false, {}});
  }
  return has_room(loaded, wanted.total_bytes, limits) &&
         has_room(future, wanted.total_bytes, limits);
}

std::optional<size_t> choose_victim(std::span<const LoadedModel> loaded) {
  const auto order = [](const LoadedModel& model) {
    return std::tuple(model.total_bytes == 0, !model.is_idle, model.keep_alive == api::forever,
                      model.last_used, model.key);
  };
  const auto first =
      std::min_element(loaded.begin(), loaded.end(),
                       [&order](const auto& a, const auto& b) { return order(a) < order(b); });
  if (first == loaded.end()) return std::nullopt;
  return static_cast<size_t>(first - loaded.begin());
}

}  // namespace hearth::daemon
