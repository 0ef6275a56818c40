// See uploaded_model.h.
#include "daemon/uploaded_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/file.h"

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

// "name-00002-of-00003.gguf"
struct PartName {
  std::string whole;  // "name-of-00003.gguf"
  int number = 0;
  int count = 0;
};

std::optional<int> five_digits(std::string_view text) {
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.size() != 5 || problem != std::errc() || end != text.data() + text.size() || value < 1)
    return std::nullopt;
  return value;
}

std::optional<PartName> part_name(const std::string& name) {
  constexpr std::string_view extension = ".gguf";
  constexpr size_t tail = 14;  // "00002-of-00003"
  if (!name.ends_with(extension) || name.size() < tail + extension.size() + 1) return std::nullopt;
  const size_t start = name.size() - extension.size() - tail;
  const std::string_view text = std::string_view(name).substr(start, tail);
  const auto number = five_digits(text.substr(0, 5));
  const auto count = five_digits(text.substr(9));
  if (name[start - 1] != '-' || text.substr(5, 4) != "-of-" || !number || !count)
    return std::nullopt;
  return PartName{name.substr(0, start) + name.substr(start + 6), *number, *count};
}

// Files in the order of their names, which is that of the parts; parts of one model together.
std::vector<UploadedModel> put_together(std::vector<UploadedFile> files, std::string_view field) {
  std::vector<UploadedModel> models;
  std::string open;  // the split model that the last file belongs to
  for (UploadedFile& file : files) {
    const std::optional<PartName> part = part_name(file.name);
    const std::string whole = part ? part->whole : "";
    if (whole.empty() || whole != open) models.emplace_back();
    open = whole;
    models.back().parts.push_back(std::move(file));
  }
  for (const UploadedModel& model : models) {
    const std::optional<PartName> last = part_name(model.parts.back().name);
    if (!last) continue;
    for (int i = 0; i < last->count; ++i) {
      const auto at = static_cast<size_t>(i);
      const bool is_there =
          at < model.parts.size() && part_name(model.parts[at].name)->number == i + 1;
      if (!is_there) {
        refuse(fmt::format("{}: part {} of {} of {} is missing", field, i + 1, last->count,
                           last->whole));
      }
    }
  }
  return models;
}

UploadedKind kind_of(const engine::ModelInfo& info) {
  if (info.general_type == "adapter") return UploadedKind::adapter;
  const bool is_projector = info.general_type == "mmproj" || info.general_type == "projector" ||
                            info.architecture == "clip" ||
                            (info.block_count() == 0 && (info.has_vision || info.has_audio));
  return is_projector ? UploadedKind::projector : UploadedKind::model;
}

}  // namespace

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
