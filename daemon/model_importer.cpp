// See model_importer.h.
#include "daemon/model_importer.h"

#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "base/file.h"
#include "daemon/config.h"
#include "daemon/server/access.h"
#include "daemon/uploaded_model.h"
#include "registry/import_folder.h"

namespace hearth::daemon {
namespace {

namespace fs = std::filesystem;
namespace media_type = registry::media_type;

// Headers by the first part of each file, read once.
class Headers {
 public:
  registry::WeightsKind read(const std::vector<fs::path>& parts) {
    std::vector<UniqueFd> files;
    std::vector<int> descriptors;
    for (const fs::path& part : parts) {
      files.push_back(open_for_reading(part));
      descriptors.push_back(files.back().get());
    }
    engine::ModelInfo info =
        engine::read_model_info(descriptors, parts.front().filename().string());
    const UploadedKind kind = kind_of(info);
    if (kind == UploadedKind::adapter) return registry::WeightsKind::adapter;
    if (kind == UploadedKind::projector) return registry::WeightsKind::projector;
    if (info.architecture.empty())
      throw Error(ErrorCode::unsupported, "does not name its architecture (general.architecture)");
    infos_[fs::canonical(parts.front())] = std::move(info);
    return registry::WeightsKind::model;
  }

  const engine::ModelInfo& of(const registry::FoundModel& model) const {
    return infos_.at(model.weights.front());
  }

 private:
  std::map<fs::path, engine::ModelInfo> infos_;
};

// True when the model was not there, or another one was.
bool register_model(registry::ModelStore& store, const registry::FoundModel& found,
                    const engine::ModelInfo& info) {
  registry::check_name_is_free(store, found.name, found.weights);
  const CreateProgress silent = [](const api::ProgressEvent&) {};
  ModelDraft draft(store, silent);
  const auto add = [&](std::string_view type, const fs::path& file) {
    const registry::StoredBlob blob = store.link_unread_file(file);
    draft.add_existing(
        {std::string(type), blob.digest, blob.size_bytes, "", file.filename().string()});
  };
  describe_weights(draft.config, info);
  for (const fs::path& part : found.weights) add(media_type::model, part);
  if (found.projector) add(media_type::projector, *found.projector);
  const auto before = store.read(found.name);
  draft.write(found.name);
  return !before || before->digest_hex != store.read(found.name)->digest_hex;
}

api::ProgressEvent left_out(const fs::path& file, std::string reason) {
  api::ProgressEvent event;
  event.status = "left out";
  event.file = file.string();
  event.detail = std::move(reason);
  return event;
}

api::ProgressEvent taken(bool is_new, const registry::ModelName& name, const fs::path& file) {
  api::ProgressEvent event;
  event.status = is_new ? "imported" : "unchanged";
  event.models = {name.display()};
  event.file = file.string();
  return event;
}

uint64_t import_found(registry::ModelStore& store, const registry::FoundModels& found,
                      const Headers& headers, const CreateProgress& progress) {
  uint64_t count = 0;
  for (const registry::FoundModel& model : found.models) {
    try {
      const bool is_new = register_model(store, model, headers.of(model));
      progress(taken(is_new, model.name, model.weights.front()));
      ++count;
    } catch (const Error& error) {  // one model that cannot be taken must not hide the others
      if (found.models.size() == 1 || error.code() == ErrorCode::cancelled) throw;
      progress(left_out(model.weights.front(), error.what()));
    }
  }
  for (const registry::LeftOut& left : found.left_out) progress(left_out(left.file, left.reason));
  return count;
}

uint64_t import_store(registry::ModelStore& store, const fs::path& root,
                      const CreateProgress& progress) {
  std::error_code error;
  if (fs::equivalent(root, store.root(), error))
    throw Error(ErrorCode::invalid_argument, fmt::format("{} is our own store", root.string()));
  uint64_t count = 0;
  for (const registry::StoredManifest& manifest : store.list_elsewhere(root)) {
    const fs::path file = root / "manifests" / manifest.name.relative_path();
    try {
      const bool is_new = registry::import_manifest(store, manifest) == registry::Imported::added;
      progress(taken(is_new, manifest.name, file));
      ++count;
    } catch (const Error& failure) {  // as above
      if (failure.code() == ErrorCode::cancelled) throw;
      progress(left_out(file, failure.what()));
    }
  }
  return count;
}

}  // namespace

void import_models(registry::ModelStore& store, const Config& config,
                   const api::ImportRequest& request, const CreateProgress& progress) {
  if (!is_loopback_host(config.host)) {
    throw Error(ErrorCode::forbidden,
                "only a daemon that listens on this computer alone uses files where they lie");
  }
  const fs::path place = request.path;
  if (!place.is_absolute()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("path: {} is not an absolute path", request.path));
  }
  Headers headers;
  registry::FoundModels found = registry::find_models(
      place, [&headers](const std::vector<fs::path>& parts) { return headers.read(parts); });
  if (!request.model.empty()) {
    const registry::ModelName name = registry::ModelName::parse(request.model);
    if (found.models.size() != 1) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} has more than one model, and they cannot all be '{}': name one "
                              "file, or leave the name out",
                              request.path, request.model));
    }
    found.models.front().name = name;
  }
  api::ProgressEvent last;
  last.count = found.store ? import_store(store, *found.store, progress)
                           : import_found(store, found, headers, progress);
  last.status = "success";
  progress(last);
}

}  // namespace hearth::daemon
