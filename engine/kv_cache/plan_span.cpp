#include "engine/kv_cache/plan_span.h"

#include <utility>

#include "base/check.h"

namespace hearth::engine {

SequenceSpan& begin_span(StepPlan& plan, const SequenceCache& cache, int64_t cached_tokens,
                         Role role, SequenceSpan spare) {
  std::vector<std::span<const PageId>> pages = std::move(spare.pages);
  pages.clear();
  for (int32_t group = 0; group < cache.group_count(); ++group) pages.push_back(cache.pages(group));
  SequenceSpan& span = plan.sequences.emplace_back();
  span.first_token = plan.token_count();
  span.cached_tokens = cached_tokens;
  span.role = role;
  span.pages = std::move(pages);
  return span;
}

void add_tokens(StepPlan& plan, std::span<const TokenId> tokens) {
  HEARTH_CHECK(!plan.sequences.empty());
  SequenceSpan& span = plan.sequences.back();
  for (const TokenId token : tokens) {
    const auto position = static_cast<int32_t>(span.cached_tokens + span.token_count);
    plan.tokens.push_back(token);
    plan.positions.push_back({position, position, position});
    ++span.token_count;
  }
  if (span.role == Role::decode) plan.decode_token_count += static_cast<int32_t>(tokens.size());
}

}  // namespace hearth::engine
