#include "engine/sampler/chain.h"

#include <algorithm>

namespace hearth::engine {
namespace {

using C = Candidates;
using O = SamplingOptions;
using R = CounterRandom;

size_t keep_min(const O& options) {
  return static_cast<size_t>(std::max(1, options.min_keep));
}

void apply_xtc(C& candidates, const O& options, R& random) {
  if (options.xtc_probability <= 0) return;
  xtc(candidates, {options.xtc_probability, options.xtc_threshold}, random.next(),
      keep_min(options));
}

void apply_temperature(C& candidates, const O& options, R&) {
  temperature(candidates, {options.temperature, options.dynatemp_range, options.dynatemp_exponent});
}

constexpr SamplingStage stages[] = {
    {"top_n_sigma", [](C& c, const O& o, R&) { top_n_sigma(c, o.top_n_sigma); }},
    {"top_k", [](C& c, const O& o, R&) { top_k(c, o.top_k); }},
    {"typical_p", [](C& c, const O& o, R&) { typical_p(c, o.typical_p, keep_min(o)); }},
    {"top_p", [](C& c, const O& o, R&) { top_p(c, o.top_p, keep_min(o)); }},
    {"min_p", [](C& c, const O& o, R&) { min_p(c, o.min_p, keep_min(o)); }},
    {"xtc", apply_xtc},
    {"temperature", apply_temperature},
};

}  // namespace

std::span<const SamplingStage> sampling_stages() {
  return stages;
}

const SamplingStage* find_sampling_stage(std::string_view name) {
  for (const SamplingStage& stage : stages) {
    if (stage.name == name) return &stage;
  }
  return nullptr;
}

}  // namespace hearth::engine
