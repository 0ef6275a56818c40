// The stages between the logits and the draw, as a table in the order they usually run.
#pragma once

#include <span>
#include <string_view>

#include "engine/sampler/random.h"
#include "engine/sampler/sampling_options.h"
#include "engine/sampler/stages.h"

namespace hearth::engine {

struct SamplingStage {
  std::string_view name;
  // Takes random numbers only where it has to decide something.
  void (*apply)(Candidates& candidates, const SamplingOptions& options, CounterRandom& random);
};

// top_n_sigma, top_k, typical_p, top_p, min_p, xtc, temperature. Those before the temperature see
// probabilities that it has not changed.
std::span<const SamplingStage> sampling_stages();
// Null when there is no such stage.
const SamplingStage* find_sampling_stage(std::string_view name);

}  // namespace hearth::engine
