// From a request and a model to what the engine is asked: template, trust of every piece of text,
// sampling. Pure.
#pragma once

#include "api/types.h"
#include "daemon/model_library.h"
#include "engine/generation.h"
#include "modelfile/reply_parser.h"

namespace hearth::daemon {

struct PromptDefaults {
  int64_t context_tokens = 0;  // when neither request nor model says; 0: the engine's
  bool truncates = false;      // cut over-long prompts although nobody asked for it
};

// What the engine is asked, and how to read its answer.
struct PreparedRequest {
  engine::GenerationRequest generation;
  modelfile::ReplyStyle reply;
};

// Throws Error{unsupported} for tools that the model's template does not know, for templates that
// this version cannot render (and for embedding models), and Error{invalid_argument} with the
// template's own words when it refuses the messages.
PreparedRequest prepare(const api::ChatRequest& request, const RunnableModel& model,
                        const PromptDefaults& defaults);

// Equal for requests that give the engine the same work.
std::string fingerprint(const engine::GenerationRequest& request, const std::string& weights_key);

}  // namespace hearth::daemon
