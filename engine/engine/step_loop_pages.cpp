// The step loop as the scheduler's source of pages: pools and prefix index behind it.
#include <algorithm>

#include "base/check.h"
#include "engine/engine/step_loop.h"

namespace hearth::engine {
namespace {

// Pages somebody else is about to compute are worth waiting for from here on.
constexpr int64_t worthwhile_tokens = 2 * page_tokens;

int64_t common_length(std::span<const TokenId> a, std::span<const TokenId> b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

}  // namespace

int64_t StepLoop::pages_to_grow(const Sequence& s, size_t group, int64_t tokens) const {
  const CacheGroupShape& kind = setting_.shape.groups[group];
  int64_t pages = page_count_for(tokens);
  if (kind.kind == CacheGroupKind::window) pages = std::min(pages, page_count_for(kind.window) + 1);
  return std::max<int64_t>(0, pages - s.cache().held_pages(static_cast<int32_t>(group)));
}

bool StepLoop::has_room(std::span<const PageDemand> demands) {
  for (size_t group = 0; group < pools_.size(); ++group) {
    int64_t missing = 0;
    for (const PageDemand& demand : demands)
      missing += pages_to_grow(sequence(demand.id), group, demand.tokens);
    // Beside its windows a group holds the tokens of one step, whoever they belong to.
    const CacheGroupShape& kind = setting_.shape.groups[group];
    if (kind.kind == CacheGroupKind::window) missing += page_count_for(options_.limits.step_tokens);
    if (missing > pools_[group].free_pages() + pools_[group].reclaimable_pages()) return false;
  }
  return true;
}

bool StepLoop::should_wait(SequenceId id) {
  const Sequence& candidate = sequence(id);
  for (const auto& [other_id, entry] : sequences_) {
    Sequence& other = *entry.sequence;
    const int64_t computed = other.cache().length();
    if (other_id == id || !other.cursor() || computed >= other.prompt_tokens()) continue;
    if (other.prefix_key() != candidate.prefix_key()) continue;
    const std::span<const TokenId> prompt =
        other.tokens().first(static_cast<size_t>(other.prompt_tokens()));
    if (common_length(prompt, candidate.tokens()) >= computed + worthwhile_tokens) return true;
  }
  return false;
}

int64_t StepLoop::start(SequenceId id) {
  Sequence& s = sequence(id);
  // The last token must be computed, and what others computed as prompt does not stand for an
  // answer.
  const int64_t usable = shareable_tokens(s, static_cast<int64_t>(s.tokens().size()) - 1);
  s.cursor() =
      index_.attach(s.prefix_key(), s.tokens().first(static_cast<size_t>(usable)), s.cache());
  s.start(std::min(s.cache().length(), s.prompt_tokens()));
  return s.cache().length();
}

bool StepLoop::reserve(SequenceId id, int64_t tokens) {
  return index_.extend(sequence(id).cache(), tokens);
}

void StepLoop::drop(SequenceId id) {
  ++preemptions_;
  leave_cache(sequence(id));
}

}  // namespace hearth::engine
