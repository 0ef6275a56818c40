// What is known about the models in the store: lists, details, descriptions, and everything needed
// to run one. Facts of a weights file are read from its header once and kept.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/types.h"
#include "base/error.h"
#include "engine/model_info.h"
#include "modelfile/prompt_formats.h"
#include "modelfile/template.h"
#include "registry/facts_index.h"
#include "registry/model_store.h"

namespace hearth::daemon {

// A weights file (all its parts). Immutable.
struct WeightsFacts {
  engine::ModelInfo info;
  std::optional<engine::ModelInfo> draft;  // the model that guesses for it
  // The file's own, when it has one that we understand; that of its family, when it carries none.
  std::optional<modelfile::Template> chat_template;
  std::string template_problem;  // why not, when it has one that we do not understand
  // Set when the template is that of a family: a row of a constant table.
  const modelfile::PromptFormat* family = nullptr;
};

// Shared: answers keep using it when the library's cache has dropped it.
using FactsPointer = std::shared_ptr<const WeightsFacts>;

// A model as the chat service needs it.
struct RunnableModel {
  std::string name;         // short, as stored
  std::string digest_hex;   // of the manifest
  std::string weights_key;  // equal for two names on the same weights, adapter and draft
  std::vector<std::filesystem::path> weights;  // all parts in order
  std::vector<std::filesystem::path> adapters;
  std::vector<std::filesystem::path> draft;  // parts of the model that guesses for it; may be empty
  api::ModelDetails details;
  modelfile::Parameters parameters;
  std::string system;
  std::vector<api::Message> messages;
  std::optional<std::string> template_text;  // of the TEMPLATE layer
  bool has_renderer = false;                 // Ollama makes this model's prompts by built-in code
  std::string parser;                        // and reads its answers by this one; may be empty
  bool vocabulary_only = false;  // tokens are wanted, no answers: nothing of the weights is read
  FactsPointer facts;            // shared with the library's cache, which may drop it any time
};

// Thread-safe. Functions read files: call them on the worker pool.
class ModelLibrary {
 public:
  explicit ModelLibrary(registry::ModelStore& store);

  // Newest first. Models whose weights cannot be read are listed with what their manifest says.
  std::vector<api::ModelSummary> list();
  // The same with the real files of weights, projectors and adapters.
  std::vector<api::ModelSummary> list_with_paths();
  // All that follow throw Error{invalid_argument} for a text that is no model name,
  // Error{not_found} "model 'x' not found" with the name as given, Error{corrupt_data} for damaged
  // manifests and weights.
  api::ModelSummary summary(const std::string& name);
  api::ModelDescription describe(const api::ShowRequest& request);
  RunnableModel open(const std::string& name);
  void copy(const api::CopyRequest& request);
  void remove(const std::string& name);

 private:
  FactsPointer facts(const registry::Manifest& manifest);
  api::ModelSummary summarize(const registry::StoredManifest& stored);
  std::vector<std::string> capabilities(const registry::StoredManifest& stored);
  registry::StoredModel open_stored(const std::string& name);
  Error not_found(const std::string& name);  // with the nearest name that is there

  registry::ModelStore& store_;
  registry::FactsIndex index_;
  std::mutex mutex_;
  std::map<std::string, FactsPointer> cache_;                     // by weights key
  std::map<std::string, std::vector<std::string>> capabilities_;  // by digest of the manifest
};

// Digests of the model layers in order, joined: what a runner is made for.
std::string weights_key(const registry::Manifest& manifest);

}  // namespace hearth::daemon
