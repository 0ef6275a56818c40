#include "daemon/model_library.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/nearest_word.h"
#include "base/version.h"
#include "daemon/model_description.h"
#include "daemon/summary_text.h"
#include "daemon/uploaded_model.h"

namespace hearth::daemon {
namespace {

constexpr size_t cached_facts_max = 256;

void take_family_format(WeightsFacts& facts) {
  const std::string name = facts.info.name.empty() ? facts.info.basename : facts.info.name;
  facts.family = modelfile::recognise_prompt_format(
      {facts.info.architecture, name, facts.info.special_tokens});
  if (facts.family) facts.chat_template = modelfile::Template::parse_jinja(facts.family->text);
}

std::vector<registry::BlobDigest> draft_parts(const registry::Manifest& manifest) {
  std::vector<registry::BlobDigest> parts;
  for (const registry::Layer& layer : manifest.layers) {
    if (layer.media_type == registry::media_type::draft) parts.push_back(layer.digest);
  }
  return parts;
}

// A draft model whose file says nothing sensible is none: answers do not need it.
std::optional<engine::ModelInfo> read_draft(const registry::BlobStore& blobs,
                                            const registry::Manifest& manifest) {
  const std::vector<registry::BlobDigest> parts = draft_parts(manifest);
  if (parts.empty()) return std::nullopt;
  try {
    return read_blob_info(blobs, parts, "the draft model");
  } catch (const Error& failure) {
    log::warn(fmt::format("the draft model is not used: {}", failure.what()));
    return std::nullopt;
  }
}

// Opens all parts: they lie under their digests, so the reader cannot find one from the other.
FactsPointer read_facts(const registry::BlobStore& blobs, const registry::Manifest& manifest) {
  std::vector<UniqueFd> files;
  std::vector<int> descriptors;
  for (const registry::Layer& layer : manifest.layers) {
    if (layer.media_type != registry::media_type::model) continue;
    files.push_back(blobs.open(layer.digest));
    descriptors.push_back(files.back().get());
  }
  if (files.empty()) throw Error(ErrorCode::unsupported, "the model has no weights of its own");
  auto facts = std::make_shared<WeightsFacts>();
  facts->info = engine::read_model_info(descriptors, "weights");
  facts->draft = read_draft(blobs, manifest);
  if (facts->info.chat_template.empty()) {
    take_family_format(*facts);
    return facts;
  }
  try {
    facts->chat_template = modelfile::Template::parse_jinja(facts->info.chat_template);
  } catch (const Error& failure) {  // told when somebody wants to chat; the model can still be
                                    // shown and used raw
    facts->template_problem = failure.what();
  }
  return facts;
}

}  // namespace

std::string weights_key(const registry::Manifest& manifest) {
  std::string key;
  for (const registry::Layer& layer : manifest.layers) {
    if (layer.media_type == registry::media_type::model) key += layer.digest.hex();
    if (layer.media_type == registry::media_type::adapter) key += "+" + layer.digest.hex();
    if (layer.media_type == registry::media_type::draft) key += "~" + layer.digest.hex();
  }
  return key;
}

ModelLibrary::ModelLibrary(registry::ModelStore& store)
    : store_(store),
      index_(store.root() / "index.db", fmt::format("{} {}", version(), summary_generation)) {}

FactsPointer ModelLibrary::facts(const registry::Manifest& manifest) {
  const std::string key = weights_key(manifest);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = cache_.find(key); found != cache_.end()) return found->second;
  }
  FactsPointer facts = read_facts(store_.blobs(), manifest);
  const std::lock_guard lock(mutex_);
  if (cache_.size() >= cached_facts_max) cache_.clear();
  cache_[key] = facts;
  return facts;
}

api::ModelSummary ModelLibrary::summarize(const registry::StoredManifest& stored) {
  api::ModelSummary summary;
  summary.name = stored.name.display();
  summary.modified_at = stored.modified_at;
  summary.size_bytes = stored.size_bytes();
  summary.digest_hex = stored.digest_hex;
  summary.owner = stored.name.namespace_;
  const std::string key = registry::facts_key(store_, stored);
  const std::optional<std::string> text = index_.find(key);
  if (text && read_summary_text(*text, summary)) return summary;
  try {
    summary.details = stored_details(store_.blobs(), stored.manifest);
    const FactsPointer known = facts(stored.manifest);
    complete_details(summary.details, known->info);
    summary.capabilities = capabilities(stored);
    index_.put(key, summary_text(summary));
  } catch (const Error& failure) {  // one damaged model must not hide the others
    log::warn(fmt::format("model {}: {}", summary.name, failure.what()));
  }
  return summary;
}

std::vector<std::string> ModelLibrary::capabilities(const registry::StoredManifest& stored) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = capabilities_.find(stored.digest_hex);
    if (found != capabilities_.end()) return found->second;
  }
  std::vector<std::string> known =
      stored_capabilities(store_.open(stored.name), *facts(stored.manifest));
  const std::lock_guard lock(mutex_);
  if (capabilities_.size() >= cached_facts_max) capabilities_.clear();
  capabilities_[stored.digest_hex] = known;
  return known;
}

std::vector<api::ModelSummary> ModelLibrary::list() {
  std::vector<api::ModelSummary> models;
  for (const registry::StoredManifest& stored : store_.list()) models.push_back(summarize(stored));
  return models;
}

std::vector<api::ModelSummary> ModelLibrary::list_with_paths() {
  std::vector<api::ModelSummary> models;
  for (const registry::StoredManifest& stored : store_.list()) {
    models.push_back(summarize(stored));
    for (const registry::Layer& layer : stored.manifest.layers) {
      const bool is_weights = layer.media_type == registry::media_type::model ||
                              layer.media_type == registry::media_type::projector ||
                              layer.media_type == registry::media_type::adapter ||
                              layer.media_type == registry::media_type::draft;
      if (!is_weights) continue;
      const std::filesystem::path blob = store_.blobs().path(layer.digest);
      std::error_code error;
      std::filesystem::path file = std::filesystem::canonical(blob, error);
      // Of a link whose file is gone, where that was.
      if (error) file = std::filesystem::read_symlink(blob, error);
      models.back().paths.push_back(error ? blob.string() : file.string());
    }
  }
  return models;
}

Error ModelLibrary::not_found(const std::string& name) {
  std::vector<std::string> names;
  for (const registry::StoredManifest& stored : store_.list()) {
    const std::string known = stored.name.display();
    names.push_back(known.substr(0, known.rfind(":latest")));
    names.push_back(known);
  }
  NearestWord nearest(name);
  for (const std::string& known : names) nearest.consider(known);
  const std::string hint =
      nearest.found().empty() ? "" : fmt::format("; did you mean {}?", nearest.found());
  return {ErrorCode::not_found, fmt::format("model '{}' not found{}", name, hint)};
}

registry::StoredModel ModelLibrary::open_stored(const std::string& name) {
  const registry::ModelName parsed = registry::ModelName::parse(name);
  if (!store_.resolve(parsed)) throw not_found(name);
  return store_.open(parsed);
}

api::ModelSummary ModelLibrary::summary(const std::string& name) {
  const std::optional<registry::StoredManifest> stored =
      store_.read(registry::ModelName::parse(name));
  if (!stored) throw not_found(name);
  return summarize(*stored);
}

api::ModelDescription ModelLibrary::describe(const api::ShowRequest& request) {
  const registry::StoredModel stored = open_stored(request.model);
  return describe_model(store_.blobs(), stored, *facts(stored.stored.manifest), request);
}

void ModelLibrary::copy(const api::CopyRequest& request) {
  const registry::ModelName source = registry::ModelName::parse(request.source);
  const registry::ModelName destination = registry::ModelName::parse(request.destination);
  if (!store_.resolve(source)) throw not_found(request.source);
  store_.copy(source, destination);
}

void ModelLibrary::remove(const std::string& name) {
  const registry::ModelName parsed = registry::ModelName::parse(name);
  if (!store_.resolve(parsed)) throw not_found(name);
  store_.remove(parsed);
}

RunnableModel ModelLibrary::open(const std::string& name) {
  const registry::StoredModel stored = open_stored(name);
  RunnableModel model;
  model.name = stored.stored.name.display();
  model.digest_hex = stored.stored.digest_hex;
  model.weights_key = weights_key(stored.stored.manifest);
  for (const registry::Layer& layer : stored.stored.manifest.layers) {
    if (layer.media_type == registry::media_type::model)
      model.weights.push_back(store_.blobs().path(layer.digest));
  }
  model.adapters = stored.adapter_paths;
  model.facts = facts(stored.stored.manifest);
  if (model.facts->draft) {
    for (const registry::BlobDigest& part : draft_parts(stored.stored.manifest))
      model.draft.push_back(store_.blobs().path(part));
  }
  model.details = stored_details(store_.blobs(), stored.stored.manifest);
  complete_details(model.details, model.facts->info);
  model.parameters = stored_parameters(stored);
  model.system = stored.system.value_or("");
  model.messages = stored_messages(stored);
  model.template_text = stored.template_text;
  model.has_renderer = !stored.config.renderer.empty() || !stored.config.parser.empty();
  model.parser = stored.config.parser;
  return model;
}

}  // namespace hearth::daemon
