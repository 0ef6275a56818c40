// Adds the next tokens of a sequence to a step's plan: begin_span, then its tokens in order.
#pragma once

#include <cstdint>
#include <span>

#include "engine/kv_cache/sequence_cache.h"
#include "engine/step_plan.h"

namespace hearth::engine {

// A span without tokens behind all others of the plan, on the pages of `cache`, which must outlive
// the step and have room for the tokens. `cached_tokens`: tokens in front of them. `spare` is a
// span of an earlier plan whose memory is used again. The reference is valid until the next span
// begins.
SequenceSpan& begin_span(StepPlan& plan, const SequenceCache& cache, int64_t cached_tokens,
                         Role role, SequenceSpan spare = {});

// Appends tokens of text to the plan's last span.
void add_tokens(StepPlan& plan, std::span<const TokenId> tokens);
inline void add_token(StepPlan& plan, TokenId token) {
  add_tokens(plan, {&token, 1});
}

}  // namespace hearth::engine
