// See uploaded_model.h.
#include "daemon/uploaded_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "registry/file_names.h"

namespace hearth::daemon {
namespace {

[[noreturn]] void refuse(std::string message) {
  throw Error(ErrorCode::invalid_argument, message);
}

// As the store of a client's files: no way up, no way to the root, nothing that two programs could
// read as different files.
bool is_clean_relative(std::string_view path) {
  if (path.empty() || path.find('\\') != std::string_view::npos ||
      path.find('\0') != std::string_view::npos) {
    return false;
  }
  while (true) {
    const size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == std::string_view::npos) return true;
    path.remove_prefix(end + 1);
  }
}

UploadedFile check_file(const registry::BlobStore& blobs, const std::string& name,
                        const std::string& digest_text, std::string_view field) {
  if (!is_clean_relative(name))
    refuse(fmt::format("{}: \"{}\" is not a relative path", field, name));
  if (digest_text.empty()) refuse(fmt::format("{}: {} has no digest", field, name));
  const registry::BlobDigest digest = registry::BlobDigest::parse(digest_text);
  const std::optional<uint64_t> size = blobs.size(digest);
  if (!size) {
    refuse(fmt::format("{}: {} is not in the store; upload it to /api/blobs/{} first", field, name,
                       digest.text()));
  }
  for (const std::string_view other : {".safetensors", ".bin", ".pth", ".ggml"}) {
    if (!name.ends_with(other)) continue;
    throw Error(ErrorCode::unsupported,
                fmt::format("{}: {}: only GGUF files are supported yet; convert the model first",
                            field, name));
  }
  return {name, digest, *size};
}

// Files in the order of their names, which is that of the parts; parts of one model together.
std::vector<UploadedModel> put_together(std::vector<UploadedFile> files, std::string_view field) {
  std::vector<UploadedModel> models;
  std::string open;  // the split model that the last file belongs to
  for (UploadedFile& file : files) {
    const std::optional<registry::PartName> part = registry::part_name(file.name);
    const std::string whole = part ? part->whole : "";
    if (whole.empty() || whole != open) models.emplace_back();
    open = whole;
    models.back().parts.push_back(std::move(file));
  }
  for (const UploadedModel& model : models) {
    const std::optional<registry::PartName> last = registry::part_name(model.parts.back().name);
    if (!last) continue;
    for (int i = 0; i < last->count; ++i) {
      const auto at = static_cast<size_t>(i);
      const bool is_there =
          at < model.parts.size() && registry::part_name(model.parts[at].name)->number == i + 1;
      if (!is_there) {
        refuse(fmt::format("{}: part {} of {} of {} is missing", field, i + 1, last->count,
                           last->whole));
      }
    }
  }
  return models;
}

}  // namespace

UploadedKind kind_of(const engine::ModelInfo& info) {
  if (info.general_type == "adapter") return UploadedKind::adapter;
  const bool is_projector = info.general_type == "mmproj" || info.general_type == "projector" ||
                            info.architecture == "clip" ||
                            (info.block_count() == 0 && (info.has_vision || info.has_audio));
  return is_projector ? UploadedKind::projector : UploadedKind::model;
}

void describe_weights(registry::ModelConfig& config, const engine::ModelInfo& info) {
  config.model_format = "gguf";
  config.model_family = info.architecture;
  config.model_families = {info.architecture};
  config.model_type = registry::human_parameter_count(static_cast<uint64_t>(info.parameter_count));
  config.file_type = info.file_type;
}

engine::ModelInfo read_blob_info(const registry::BlobStore& blobs,
                                 const std::vector<registry::BlobDigest>& parts,
                                 std::string_view name) {
  std::vector<UniqueFd> opened;
  std::vector<int> descriptors;
  for (const registry::BlobDigest& part : parts) {
    opened.push_back(blobs.open(part));
    descriptors.push_back(opened.back().get());
  }
  try {
    return engine::read_model_info(descriptors, name);
  } catch (const Error& failure) {  // the client's file, not ours: another code, the same words
    const bool is_bad_file = failure.code() == ErrorCode::corrupt_data;
    throw Error(is_bad_file ? ErrorCode::invalid_argument : failure.code(), failure.what());
  }
}

std::vector<UploadedModel> read_uploads(const registry::BlobStore& blobs,
                                        const std::map<std::string, std::string>& named,
                                        std::string_view field) {
  std::vector<UploadedFile> files;
  for (const auto& [name, digest] : named) files.push_back(check_file(blobs, name, digest, field));
  std::vector<UploadedModel> models = put_together(std::move(files), field);
  for (UploadedModel& model : models) {
    std::vector<registry::BlobDigest> digests;
    for (const UploadedFile& part : model.parts) digests.push_back(part.digest);
    model.info = read_blob_info(blobs, digests, model.parts.front().name);
    model.kind = kind_of(model.info);
  }
  return models;
}

}  // namespace hearth::daemon
