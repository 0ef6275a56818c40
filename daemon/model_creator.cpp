#include "daemon/model_creator.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "api/json.h"
#include "api/native.h"
#include "base/error.h"
#include "base/file.h"
#include "daemon/model_description.h"
#include "engine/model_info.h"
#include "registry/model_store.h"

namespace hearth::daemon {
namespace {

using registry::BlobDigest;
using registry::Layer;
namespace media_type = registry::media_type;

// A manifest on its way. Pins keep its blobs until it is written.
class Draft {
 public:
  Draft(registry::ModelStore& store, const CreateProgress& progress)
      : store_(store), progress_(progress) {}

  registry::ModelConfig config;
  std::vector<Layer> layers;

  void add_existing(Layer layer) {
    pins_.push_back(store_.blobs().pin(layer.digest));
    report(fmt::format("using existing layer {}", layer.digest.text()));
    layers.push_back(std::move(layer));
  }

  void add_text(std::string_view type, std::string_view text) {
    layers.push_back(store_text(type, text));
  }

  void remove(std::string_view type) {
    std::erase_if(layers, [type](const Layer& layer) { return layer.media_type == type; });
  }

  void report(std::string status) const {
    api::ProgressEvent event;
    event.status = std::move(status);
    progress_(event);
  }

  void write(const registry::ModelName& name) {
    registry::Manifest manifest;
    manifest.config = store_text(media_type::config, registry::print_model_config(config));
    manifest.layers = layers;
    report("writing manifest");
    store_.write(name, registry::print_manifest(manifest));
    report("success");
  }

 private:
  Layer store_text(std::string_view type, std::string_view text) {
    registry::StoredBlob blob = store_.blobs().write(text);
    report(fmt::format("{} layer {}", blob.is_new ? "creating new" : "using existing",
                       blob.digest.text()));
    Layer layer{std::string(type), blob.digest, blob.size_bytes, "", ""};
    pins_.push_back(std::move(blob.pin));
    return layer;
  }

  registry::ModelStore& store_;
  const CreateProgress& progress_;
  std::vector<registry::BlobPin> pins_;
};

struct UploadedFile {
  std::string name;
  BlobDigest digest;
};

bool is_safe_relative(const std::filesystem::path& path) {
  if (path.empty() || path.is_absolute()) return false;
  return std::none_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; });
}

// In the order of their names, which is the order of the parts of a split model.
std::vector<UploadedFile> check_files(const registry::BlobStore& blobs,
                                      const std::map<std::string, std::string>& named) {
  std::vector<UploadedFile> files;
  for (const auto& [name, digest_text] : named) {
    if (!is_safe_relative(name)) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("files: \"{}\" is not a relative path", name));
    }
    const BlobDigest digest = BlobDigest::parse(digest_text);
    if (!blobs.has(digest)) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("files: {} is not in the store; upload it to /api/blobs/{} first",
                              name, digest.text()));
    }
    if (name.ends_with(".safetensors") || name.ends_with(".bin")) {
      throw Error(
          ErrorCode::unsupported,
          fmt::format("files: {}: only GGUF files are supported yet; convert the model first",
                      name));
    }
    files.push_back({name, digest});
  }
  return files;
}

engine::ModelInfo read_info(const registry::BlobStore& blobs,
                            const std::vector<UploadedFile>& files) {
  std::vector<UniqueFd> opened;
  std::vector<int> descriptors;
  for (const UploadedFile& file : files) {
    opened.push_back(blobs.open(file.digest));
    descriptors.push_back(opened.back().get());
  }
  try {
    return engine::read_model_info(descriptors, files.front().name);
  } catch (const Error& failure) {
    const bool is_bad_file = failure.code() == ErrorCode::corrupt_data;
    throw Error(is_bad_file ? ErrorCode::invalid_argument : failure.code(), failure.what());
  }
}

void add_weights(Draft& draft, const registry::ModelStore& store,
                 const api::CreateRequest& request) {
  const std::vector<UploadedFile> files = check_files(store.blobs(), request.files);
  const engine::ModelInfo info = read_info(store.blobs(), files);
  draft.report("parsing GGUF");  // only now, so that a file that is none has a status of its own
  if (info.general_type == "adapter" || info.general_type == "mmproj") {
    throw Error(ErrorCode::unsupported,
                fmt::format("{} is of type {}; only whole models are supported yet",
                            files.front().name, info.general_type));
  }
  draft.config.model_format = "gguf";
  draft.config.model_family = info.architecture;
  draft.config.model_families = {info.architecture};
  draft.config.model_type =
      registry::human_parameter_count(static_cast<uint64_t>(info.parameter_count));
  draft.config.file_type = info.file_type;
  for (const UploadedFile& file : files) {
    const uint64_t size = store.blobs().size(file.digest).value_or(0);
    draft.add_existing({std::string(media_type::model), file.digest, size, "", ""});
  }
}

// An adapter takes the place of the parent's.
void add_adapter(Draft& draft, const registry::ModelStore& store,
                 const api::CreateRequest& request) {
  if (request.adapters.empty()) return;
  const UploadedFile file = check_files(store.blobs(), request.adapters).front();
  const engine::ModelInfo info = read_info(store.blobs(), {file});
  if (info.general_type != "adapter") {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("adapters: {} is no adapter but a file of the type \"{}\"", file.name,
                            info.general_type));
  }
  if (info.architecture != draft.config.model_family) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("adapters: {} is for {} models, this one is {}", file.name,
                            info.architecture, draft.config.model_family));
  }
  draft.remove(media_type::adapter);
  const uint64_t size = store.blobs().size(file.digest).value_or(0);
  draft.add_existing({std::string(media_type::adapter), file.digest, size, "", ""});
}

// The old layers, except those that the request replaces.
void add_parent(Draft& draft, const registry::StoredModel& parent) {
  draft.config = parent.config;
  for (Layer layer : parent.stored.manifest.layers) {
    if (layer.media_type == media_type::model) layer.from = parent.stored.name.display();
    draft.add_existing(std::move(layer));
  }
}

void add_parameters(Draft& draft, const api::CreateRequest& request,
                    const modelfile::Parameters& old) {
  const modelfile::Json merged = modelfile::to_json(modelfile::merge(old, request.parameters));
  draft.remove(media_type::params);
  if (!merged.empty()) draft.add_text(media_type::params, api::to_line(merged));
}

void add_messages(Draft& draft, const api::CreateRequest& request) {
  if (request.messages.empty()) return;
  api::Json list = api::Json::array();
  for (const api::Message& message : request.messages)
    list.push_back(api::write_native_message(message));
  draft.remove(media_type::messages);
  draft.add_text(media_type::messages, api::to_line(list));
}

void add_texts(Draft& draft, const api::CreateRequest& request) {
  const auto replace = [&draft](std::string_view type, const std::optional<std::string>& text) {
    if (!text) return;
    draft.remove(type);
    if (type == media_type::template_text) draft.remove(media_type::prompt);
    if (!text->empty()) draft.add_text(type, *text);
  };
  replace(media_type::template_text, request.template_text);
  replace(media_type::system, request.system);
  for (const std::string& license : request.licenses) draft.add_text(media_type::license, license);
}

}  // namespace

void create_model(registry::ModelStore& store, const api::CreateRequest& request,
                  const CreateProgress& progress) {
  const registry::ModelName name = registry::ModelName::parse(request.model);
  Draft draft(store, progress);
  modelfile::Parameters old_parameters;
  if (request.from) {
    const registry::ModelName parent_name = registry::ModelName::parse(*request.from);
    if (!store.resolve(parent_name)) {
      throw Error(ErrorCode::not_found,
                  fmt::format("model '{}' not found; pulling is not supported yet, create it from "
                              "a GGUF file first",
                              *request.from));
    }
    const registry::StoredModel parent = store.open(parent_name);
    old_parameters = stored_parameters(parent);
    add_parent(draft, parent);
  } else {
    add_weights(draft, store, request);
  }
  add_adapter(draft, store, request);
  add_texts(draft, request);
  add_parameters(draft, request, old_parameters);
  add_messages(draft, request);
  draft.write(name);
}

}  // namespace hearth::daemon
