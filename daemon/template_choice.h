// Which template makes the prompts of a model, and what the model can therefore do:
// docs/templates.md has the order. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model_info.h"
#include "modelfile/template.h"
#include "registry/manifest.h"

namespace hearth::daemon {

// What there is to choose from. Pointers are null and texts absent where there is none.
struct TemplateOffer {
  std::string_view model;                        // name, for messages
  std::string_view architecture;                 // general.architecture
  std::optional<std::string> requested;          // of the request
  std::optional<std::string> stored;             // TEMPLATE of the model
  const modelfile::Template* in_file = nullptr;  // of the weights, or of their family
  std::string_view file_problem;                 // why the file's own cannot be used
  std::string_view family;             // of the format in_file is made of; empty: the file's own
  bool has_renderer = false;           // Ollama renders and parses this model by built-in code
  std::optional<bool> prefers_stored;  // always, never; absent: by what they do
};

struct TemplateChoice {
  std::optional<modelfile::Template> chosen;  // absent: texts go to the model as they are
  // "request", "model", "file", "family chatml", "none"
  std::string source;
};

// Throws Error{invalid_argument} for a template of the request that is wrong, Error{unsupported}
// for one of the model or its file.
TemplateChoice choose_template(const TemplateOffer& offer);

// Ollama's words, in the order of its own answers: "completion" or "embedding", then "vision",
// "audio", "tools", "insert", "thinking". What the config of a stored model lists comes first.
std::vector<std::string> model_capabilities(const engine::ModelInfo& info,
                                            const registry::ModelConfig& config, bool has_projector,
                                            const modelfile::TemplateTraits& traits);

}  // namespace hearth::daemon
