// See model_creator.h. The steps stand in create_model; what they share is ModelDraft.
#include "daemon/model_creator.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "api/json.h"
#include "api/native.h"
#include "base/error.h"
#include "base/file.h"
#include "daemon/config.h"
#include "daemon/model_description.h"
#include "daemon/quantize_process.h"
#include "daemon/server/access.h"
#include "daemon/uploaded_model.h"
#include "engine/quantize.h"
#include "modelfile/template.h"

namespace hearth::daemon {
namespace {

using registry::BlobDigest;
using registry::Layer;
namespace media_type = registry::media_type;

// Stands for the digest of a file that is being written; clients know it.
constexpr std::string_view unknown_digest = "0000000000000000000";

[[noreturn]] void refuse(std::string message) {
  throw Error(ErrorCode::invalid_argument, message);
}

// What is the same in all steps.
struct Job {
  const api::CreateRequest& request;
  const Config& config;
  ModelDraft draft;
};

void add_file(ModelDraft& draft, std::string_view type, const UploadedFile& file) {
  draft.add_existing({std::string(type), file.digest, file.size_bytes, "", ""});
}

// A status with a bar, at most one event per percent.
class Bar {
 public:
  Bar(const ModelDraft& draft, std::string status, uint64_t total) : draft_(draft) {
    event_.status = std::move(status);
    event_.digest = unknown_digest;
    event_.total_bytes = total;
    draft_.report(event_);
  }
  void advance(uint64_t done) {
    const bool is_visible = done - event_.completed_bytes >= event_.total_bytes / 100;
    if (done <= event_.completed_bytes || !is_visible) return;
    event_.completed_bytes = std::min(done, event_.total_bytes);
    draft_.report(event_);
  }

 private:
  const ModelDraft& draft_;
  api::ProgressEvent event_;
};

// Files that the client uploaded, and those that are used where they lie. A path of this computer
// is taken only from this computer.
std::map<std::string, std::string> weight_files(Job& job, registry::ModelStore& store) {
  std::map<std::string, std::string> files = job.request.files;
  if (job.request.links.empty()) return files;
  if (!is_loopback_host(job.config.host)) {
    throw Error(ErrorCode::forbidden,
                "links: only a daemon that listens on this computer alone uses files where they "
                "lie; upload the file instead");
  }
  for (const auto& [name, place] : job.request.links) {
    std::optional<Bar> bar;
    registry::StoredBlob blob = store.link_file(place, [&](uint64_t done, uint64_t total) {
      if (!bar) bar.emplace(job.draft, fmt::format("reading {}", name), total);
      bar->advance(done);
    });
    files[name] = blob.digest.text();
    job.draft.keep(std::move(blob.pin));
  }
  return files;
}

void add_weights(Job& job, registry::ModelStore& store) {
  const std::vector<UploadedModel> uploads =
      read_uploads(job.draft.blobs(), weight_files(job, store), "files");
  for (const UploadedModel& upload : uploads) {
    if (upload.kind == UploadedKind::model && upload.info.architecture.empty()) {
      refuse(
          fmt::format("files: {} does not name its architecture (general.architecture): no "
                      "model can be made of it",
                      upload.parts.front().name));
    }
  }
  job.draft.report("parsing GGUF");  // only now, so that a file that is none has its own status
  const UploadedModel* model = nullptr;
  for (const UploadedModel& upload : uploads) {
    if (upload.kind == UploadedKind::projector) {
      add_file(job.draft, media_type::projector, upload.parts.front());
      continue;
    }
    if (upload.kind == UploadedKind::adapter) {
      refuse(fmt::format("files: {} is an adapter: it belongs into \"adapters\", beside a model",
                         upload.parts.front().name));
    }
    if (model != nullptr) {
      refuse(fmt::format("files: {} and {} are both whole models; one model is made of one",
                         model->parts.front().name, upload.parts.front().name));
    }
    model = &upload;
  }
  if (model == nullptr) refuse("files: there is a projector, but no model for it");
  describe_weights(job.draft.config, model->info);
  for (const UploadedFile& part : model->parts) add_file(job.draft, media_type::model, part);
}

// The old layers, except those that the request replaces. Returns the old parameters.
modelfile::Parameters add_parent(Job& job, registry::ModelStore& store) {
  const registry::ModelName name = registry::ModelName::parse(*job.request.from);
  if (!store.resolve(name)) {
    throw Error(ErrorCode::not_found, fmt::format("model '{}' not found", *job.request.from));
  }
  const registry::StoredModel parent = store.open(name);
  job.draft.config = parent.config;
  for (Layer layer : parent.stored.manifest.layers) {
    if (layer.media_type == media_type::model) layer.from = parent.stored.name.display();
    job.draft.add_existing(std::move(layer));
  }
  return stored_parameters(parent);
}

// An adapter takes the place of the parent's.
void add_adapter(Job& job) {
  if (job.request.adapters.empty()) return;
  const UploadedModel upload =
      read_uploads(job.draft.blobs(), job.request.adapters, "adapters").front();
  const UploadedFile& file = upload.parts.front();
  if (upload.kind != UploadedKind::adapter) {
    refuse(fmt::format("adapters: {} is no adapter but a file of the type \"{}\"", file.name,
                       upload.info.general_type));
  }
  if (upload.info.architecture != job.draft.config.model_family) {
    refuse(fmt::format("adapters: {} is for {} models, this one is {}", file.name,
                       upload.info.architecture, job.draft.config.model_family));
  }
  job.draft.remove(media_type::adapter);
  add_file(job.draft, media_type::adapter, file);
}

void add_draft_model(Job& job) {
  if (job.request.draft_files.empty()) return;
  const std::vector<UploadedModel> uploads =
      read_uploads(job.draft.blobs(), job.request.draft_files, "draft_files");
  if (uploads.size() > 1 || uploads.front().kind != UploadedKind::model)
    refuse("draft_files: expected one whole model");
  job.draft.remove(media_type::draft);
  for (const UploadedFile& part : uploads.front().parts)
    add_file(job.draft, media_type::draft, part);
}

const engine::Mixture* mixture_named(const std::string& name, std::string_view field) {
  if (name.empty()) return nullptr;
  const engine::Mixture* mixture = engine::find_mixture(name);
  if (mixture == nullptr) {
    refuse(fmt::format("{}: \"{}\" is not supported; expected one of {}", field, name,
                       engine::mixture_names()));
  }
  return mixture;
}

// A runner writes the blobs of one kind again, as one.
void rewrite(Job& job, std::string_view type, const engine::Mixture* mixture, std::string status) {
  const std::vector<BlobDigest> parts = job.draft.digests(type);
  std::vector<UniqueFd> files;
  std::vector<int> descriptors;
  uint64_t total = 0;
  for (const BlobDigest& part : parts) {
    files.push_back(job.draft.blobs().open(part));
    descriptors.push_back(files.back().get());
    total += job.draft.blobs().size(part).value_or(0);
  }
  RunnerProcess::Options options;
  options.program = job.config.runner;
  options.model_name = job.request.model;
  options.log_level = job.config.is_debug ? log::Level::debug : log::Level::warn;
  registry::BlobWriter writer = job.draft.blobs().begin_write();
  {
    Bar bar(job.draft, std::move(status), total);
    quantize_in_runner(options, mixture != nullptr ? std::string(mixture->name) : "", descriptors,
                       writer.descriptor(), [&](double share) {
                         bar.advance(static_cast<uint64_t>(share * static_cast<double>(total)));
                       });
  }
  job.draft.report("verifying conversion");
  registry::StoredBlob blob = writer.commit_written();
  read_blob_info(job.draft.blobs(), {blob.digest}, job.request.model);
  job.draft.remove(type);
  job.draft.add_written(type, std::move(blob));
}

// Also makes one file of several parts, so that other programs can use the store.
void rewrite_weights(Job& job, std::string_view type, const engine::Mixture* mixture) {
  const std::vector<BlobDigest> parts = job.draft.digests(type);
  if (parts.empty()) return;
  const engine::ModelInfo info = read_blob_info(job.draft.blobs(), parts, job.request.model);
  const bool is_same = mixture == nullptr || info.file_type == mixture->name;
  if (is_same && (parts.size() == 1 || !job.request.links.empty())) return;
  rewrite(job, type, is_same ? nullptr : mixture,
          is_same ? fmt::format("joining {} parts", parts.size())
                  : fmt::format("quantizing {} model to {}", info.file_type, mixture->name));
  if (!is_same && type == media_type::model)
    job.draft.config.file_type = std::string(mixture->name);
}

void add_texts(Job& job) {
  const auto replace = [&](std::string_view type, const std::optional<std::string>& text) {
    if (!text) return;
    job.draft.remove(type);
    if (type == media_type::template_text) job.draft.remove(media_type::prompt);
    if (!text->empty()) job.draft.add_text(type, *text);
  };
  replace(media_type::template_text, job.request.template_text);
  replace(media_type::system, job.request.system);
  for (const std::string& license : job.request.licenses)
    job.draft.add_text(media_type::license, license);
}

void add_parameters(Job& job, const modelfile::Parameters& old) {
  const modelfile::Json merged = modelfile::to_json(modelfile::merge(old, job.request.parameters));
  job.draft.remove(media_type::params);
  if (!merged.empty()) job.draft.add_text(media_type::params, api::to_line(merged));
}

void add_messages(Job& job) {
  if (job.request.messages.empty()) return;
  api::Json list = api::Json::array();
  for (const api::Message& message : job.request.messages)
    list.push_back(api::write_native_message(message));
  job.draft.remove(media_type::messages);
  job.draft.add_text(media_type::messages, api::to_line(list));
}

// What the request says wins over what the parent had.
void override_config(registry::ModelConfig& config, const api::CreateRequest& request) {
  const auto replace = [](std::string& field, const std::string& value) {
    if (!value.empty()) field = value;
  };
  replace(config.renderer, request.renderer);
  replace(config.parser, request.parser);
  replace(config.required_version, request.required_version);
  replace(config.model_family, request.info.model_family);
  replace(config.base_name, request.info.base_name);
  replace(config.file_type, request.info.quantization_level);
  replace(config.model_type, request.info.parameter_size);
  if (!request.info.model_family.empty()) config.model_families = {request.info.model_family};
  if (!request.info.capabilities.empty()) config.capabilities = request.info.capabilities;
  if (request.info.context_length > 0)
    config.context_length = static_cast<uint64_t>(request.info.context_length);
  if (request.info.embedding_length > 0)
    config.embedding_length = static_cast<uint64_t>(request.info.embedding_length);
}

}  // namespace

void create_model(registry::ModelStore& store, const Config& config,
                  const api::CreateRequest& request, const CreateProgress& progress) {
  const registry::ModelName name = registry::ModelName::parse(request.model);
  const engine::Mixture* mixture = mixture_named(request.quantize, "quantize");
  const engine::Mixture* draft_mixture = mixture_named(request.draft_quantize, "draft_quantize");
  // What is wrong with the request is said before the first line of progress, so that it has a
  // status of its own.
  if (request.template_text && !request.template_text->empty())
    modelfile::Template::parse(*request.template_text);
  Job job{request, config, ModelDraft(store, progress)};
  modelfile::Parameters old_parameters;
  if (request.from) {
    old_parameters = add_parent(job, store);
  } else {
    add_weights(job, store);
  }
  add_adapter(job);
  add_draft_model(job);
  if (draft_mixture != nullptr && job.draft.digests(media_type::draft).empty())
    refuse("draft_quantize: there is no draft model to quantize");
  rewrite_weights(job, media_type::model, mixture);
  rewrite_weights(job, media_type::draft, draft_mixture);
  add_texts(job);
  add_parameters(job, old_parameters);
  add_messages(job);
  override_config(job.draft.config, request);
  job.draft.write(name);
}

}  // namespace hearth::daemon
