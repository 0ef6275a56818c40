// From a request and a model to what the engine is asked: template, trust of every piece of text,
// sampling. Pure.
#pragma once

#include "api/types.h"
#include "daemon/model_library.h"
#include "engine/generation.h"

namespace hearth::daemon {

struct PromptDefaults {
  int64_t context_tokens = 0;  // when neither request nor model says; 0: the engine's
  bool truncates = false;      // cut over-long prompts although nobody asked for it
};

// Throws Error{unsupported} for templates that this version cannot render (and for embedding
// models), and Error{invalid_argument} with the template's own words when it refuses the messages.
engine::GenerationRequest build_generation(const api::ChatRequest& request,
                                           const RunnableModel& model,
                                           const PromptDefaults& defaults);

// Equal for requests that give the engine the same work.
std::string fingerprint(const engine::GenerationRequest& request, const std::string& weights_key);

}  // namespace hearth::daemon
