// The step loop's guesses: what is offered to the scheduler before a step is decided.
#include <algorithm>

#include "engine/backend/compute_lease.h"
#include "engine/engine/step_loop.h"

namespace hearth::engine {
namespace {

// A draft model that would have to read more than this comes too late.
constexpr int64_t unread_max = 4096;

bool may_draft(DraftModel& draft, const Sequence& s, const SequenceGuesses& guesses) {
  const int64_t count = std::ssize(s.tokens());
  return guesses.guesses_max() > 0 && s.answer_room() > 1 &&
         count + guesses.guesses_max() <= draft.context_tokens() &&
         draft.unread(s.id(), s.tokens()) <= unread_max;
}

}  // namespace

void StepLoop::offer_guesses() {
  const std::span<const SequenceId> ids = scheduler_.answering();
  if (!speculator_.may_guess(std::ssize(ids))) return;
  answers_.clear();
  for (const SequenceId id : ids) {
    Entry& answer = entry(id);
    const Sequence& s = *answer.sequence;
    answer.guesses.follow(s.tokens());
    // The token behind the last guess must have room too.
    const int64_t room = s.answer_room() - 1;
    answer.guesses.look_up(s.tokens(), speculator_.looks_up() ? room : 0);
    answer.guesses.allow_draft(draft_ && may_draft(*draft_, s, answer.guesses));
    answers_.push_back(&answer.guesses);
  }
  if (draft_) draft_guesses(ids);
  speculator_.choose(answers_);
  for (size_t i = 0; i < ids.size(); ++i)
    scheduler_.offer_guesses(ids[i], static_cast<int32_t>(answers_[i]->tokens().size()));
}

// Before anything was measured a draft model's token costs its share of the weights.
void StepLoop::draft_guesses(std::span<const SequenceId> ids) {
  const double share =
      static_cast<double>(draft_->weight_bytes()) / static_cast<double>(model_.weight_bytes());
  const Speculator::DraftPlan& plan =
      speculator_.plan_draft(answers_, [this, share](int32_t answers) {
        const double measured = draft_->seconds(answers);
        return measured > 0 ? measured : share * speculator_.step_seconds(answers);
      });
  if (plan.depth == 0) return;
  draft_requests_.clear();
  for (size_t i = 0; i < ids.size(); ++i) {
    const Sequence& s = sequence(ids[i]);
    DraftModel::Request& request = draft_requests_.emplace_back();
    request.id = ids[i];
    request.tokens = s.tokens();
    if (plan.chances[i] <= 0) continue;
    const int64_t most = std::min<int64_t>(answers_[i]->guesses_max(), s.answer_room() - 1);
    request.depth = static_cast<int32_t>(std::min<int64_t>(plan.depth, most));
  }
  {
    const ComputeLease::Turn turn(options_.lease);
    draft_->guess(draft_requests_);
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!draft_requests_[i].guesses.empty())
      answers_[i]->replace(draft_requests_[i].guesses, plan.chances[i]);
  }
}

}  // namespace hearth::engine
