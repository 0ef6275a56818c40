// From a request and a model to what the engine is asked: template, trust of every piece of text,
// sampling. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/types.h"
#include "daemon/model_library.h"
#include "engine/generation.h"
#include "modelfile/reply_parser.h"

namespace hearth::daemon {

struct PromptDefaults {
  int64_t context_tokens = 0;  // when neither request nor model says; 0: the engine's
  bool truncates = false;      // cut over-long prompts although nobody asked for it
  // The stored TEMPLATE always, never, or (absent) as docs/templates.md says.
  std::optional<bool> prefers_stored_template;
};

// What the engine is asked, and how to read its answer.
struct PreparedRequest {
  engine::GenerationRequest generation;
  modelfile::ReplyStyle reply;
  std::vector<std::string> warnings;  // what of the request will not be enforced
};

// Throws Error{unsupported} for broken templates of the model, for embedding models, for tools that
// the template does not know and for a suffix where it cannot ask for what stands between;
// Error{invalid_argument} with the template's own words when it refuses the messages, and for a
// broken template of the request.
PreparedRequest prepare(const api::ChatRequest& request, const RunnableModel& model,
                        const PromptDefaults& defaults);

// Equal for requests that give the engine the same work.
std::string fingerprint(const engine::GenerationRequest& request, const std::string& weights_key);

}  // namespace hearth::daemon
