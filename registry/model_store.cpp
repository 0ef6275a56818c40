#include "registry/model_store.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "registry/file_description.h"

namespace hearth::registry {
namespace {

constexpr size_t manifest_bytes_max = size_t{4} << 20;
constexpr uint64_t text_layer_bytes_max = uint64_t{16} << 20;

std::chrono::system_clock::time_point modification_time(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  const auto since_epoch = std::chrono::seconds(status.st_mtim.tv_sec) +
                           std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(since_epoch));
}

std::set<BlobDigest> referenced_blobs(const Manifest& manifest) {
  std::set<BlobDigest> digests;
  if (manifest.config) digests.insert(manifest.config->digest);
  for (const Layer& layer : manifest.layers) digests.insert(layer.digest);
  return digests;
}

// Every manifest file as the name it stands for. Hidden files and odd folders are passed over in
// silence, as are folders that cannot be read.
std::vector<ModelName> names_on_disk(const std::filesystem::path& manifests) {
  std::vector<ModelName> names;
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(
      manifests, std::filesystem::directory_options::skip_permission_denied, error);
  for (; !error && entry != std::filesystem::recursive_directory_iterator();
       entry.increment(error)) {
    std::error_code status_error;
    if (entry.depth() == 3) entry.disable_recursion_pending();
    if (entry.depth() != 3 || !entry->is_regular_file(status_error)) continue;
    if (auto name = ModelName::from_relative_path(entry->path().lexically_relative(manifests))) {
      names.push_back(std::move(*name));
    }
  }
  return names;
}

[[noreturn]] void throw_not_found(const ModelName& name) {
  throw Error(ErrorCode::not_found, fmt::format("model '{}' not found", name.display()));
}

[[noreturn]] void refuse_removal(const ModelName& name,
                                 const std::optional<StoredManifest>& elsewhere) {
  if (!elsewhere) throw_not_found(name);
  throw Error(
      ErrorCode::forbidden,
      fmt::format("model '{}' lies in {}, which belongs to Ollama and is only read here; "
                  "delete it with `ollama rm {}`",
                  elsewhere->name.display(), elsewhere->root.string(), elsewhere->name.display()));
}

void move_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::symlink_status(from, error))) return;
  std::filesystem::rename(from, to, error);
  if (!error) return fsync_folder(to.parent_path());
  throw Error(ErrorCode::internal,
              fmt::format("cannot move {} to {}: {}", from.string(), to.string(), error.message()));
}

// Equal for names that are equal.
std::string folded(const ModelName& name) {
  std::string text = name.full();
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

void check_blob(const BlobStore& blobs, const Layer& layer, const ModelName& name) {
  const auto size = blobs.size(layer.digest);
  if (!size) {
    throw Error(
        ErrorCode::corrupt_data,
        fmt::format("model '{}': its {} is missing from the store ({}); pull or create it again",
                    name.display(), layer.media_type, layer.digest.text()));
  }
  if (*size != layer.size_bytes) {
    throw Error(
        ErrorCode::corrupt_data,
        fmt::format("model '{}': blob {} has {} bytes, expected {}; pull or create it again",
                    name.display(), layer.digest.text(), *size, layer.size_bytes));
  }
}

// Puts one layer where it belongs. Unknown kinds are ignored; of single kinds the last one holds.
void take_layer(StoredModel& model, const BlobStore& blobs, const Layer& layer) {
  const std::string_view kind = layer.media_type;
  const auto text = [&] { return blobs.read(layer.digest, text_layer_bytes_max); };
  if (kind == media_type::model) {
    model.model_path = blobs.path(layer.digest);
    model.parent_model = layer.from;
  } else if (kind == media_type::projector) {
    model.projector_paths.push_back(blobs.path(layer.digest));
  } else if (kind == media_type::adapter) {
    model.adapter_paths.push_back(blobs.path(layer.digest));
  } else if (kind == media_type::draft) {
    model.draft_path = blobs.path(layer.digest);
  } else if (kind == media_type::template_text || kind == media_type::prompt) {
    model.template_text = text();
  } else if (kind == media_type::system) {
    model.system = text();
  } else if (kind == media_type::params) {
    model.params_json = text();
  } else if (kind == media_type::messages) {
    model.messages_json = text();
  } else if (kind == media_type::license) {
    model.licenses.push_back(text());
  }
}

}  // namespace

ModelStore::ModelStore(std::filesystem::path root, ModelStoreOptions options)
    : root_(std::move(root)),
      options_(std::move(options)),
      blobs_(root_),
      linked_files_(root_ / "state.db") {
  make_folders(root_ / "manifests");
  for (const std::filesystem::path& other : options_.readonly_roots)
    blobs_.add_readonly_folder(other / "blobs");
}

std::filesystem::path ModelStore::manifest_path(const ModelName& name) const {
  return root_ / "manifests" / name.relative_path();
}

std::vector<StoredManifest> ModelStore::list() const {
  std::vector<StoredManifest> models;
  list_in(root_, models);
  for (const std::filesystem::path& other : options_.readonly_roots) list_in(other, models);
  std::stable_sort(models.begin(), models.end(),
                   [](const StoredManifest& a, const StoredManifest& b) {
                     return a.modified_at != b.modified_at ? a.modified_at > b.modified_at
                                                           : a.name.display() < b.name.display();
                   });
  return models;
}

std::vector<StoredManifest> ModelStore::list_elsewhere(const std::filesystem::path& root) const {
  std::vector<StoredManifest> models;
  list_in(root, models);
  return models;
}

// Adds the models of one folder whose names are not taken yet.
void ModelStore::list_in(const std::filesystem::path& root,
                         std::vector<StoredManifest>& models) const {
  std::set<std::string> taken;
  for (const StoredManifest& model : models) taken.insert(folded(model.name));
  for (const ModelName& name : names_on_disk(root / "manifests")) {
    if (taken.contains(folded(name))) continue;
    // One damaged manifest must not hide the others; this is a boundary, like those of the four
    // catch sites.
    try {
      if (auto stored = read_in(root, name)) models.push_back(std::move(*stored));
    } catch (const Error& error) {
      log::warn(fmt::format("left out of the list: {}", error.what()));
    }
  }
}

std::optional<ModelName> ModelStore::resolve_in(const std::filesystem::path& root,
                                                const ModelName& name) const {
  std::error_code error;
  const std::filesystem::path manifests = root / "manifests";
  if (std::filesystem::is_regular_file(manifests / name.relative_path(), error)) return name;
  for (const ModelName& candidate : names_on_disk(manifests)) {
    if (candidate == name) return candidate;
  }
  return std::nullopt;
}

std::optional<ModelName> ModelStore::resolve(const ModelName& name) const {
  if (auto found = resolve_in(root_, name)) return found;
  for (const std::filesystem::path& other : options_.readonly_roots) {
    if (auto found = resolve_in(other, name)) return found;
  }
  return std::nullopt;
}

std::optional<StoredManifest> ModelStore::read_in(const std::filesystem::path& root,
                                                  const ModelName& name) const {
  const std::filesystem::path path = root / "manifests" / name.relative_path();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
  std::string bytes = read_file(path, manifest_bytes_max);
  Manifest manifest = parse_manifest(bytes, fmt::format("manifest of '{}'", name.display()));
  std::string digest = sha256_hex(std::as_bytes(std::span(bytes.data(), bytes.size())));
  return StoredManifest{
      .name = name,
      .manifest = std::move(manifest),
      .bytes = std::move(bytes),
      .digest_hex = std::move(digest),
      .modified_at = modification_time(path),
      .root = root,
      .is_ours = root == root_,
  };
}

std::optional<StoredManifest> ModelStore::read(const ModelName& name) const {
  if (const auto found = resolve_in(root_, name)) return read_in(root_, *found);
  for (const std::filesystem::path& other : options_.readonly_roots) {
    if (const auto found = resolve_in(other, name)) return read_in(other, *found);
  }
  return std::nullopt;
}

StoredModel ModelStore::open(const ModelName& name) const {
  auto stored = read(name);
  if (!stored) throw_not_found(name);
  StoredModel model{.stored = std::move(*stored),
                    .config = {},
                    .model_path = {},
                    .parent_model = {},
                    .projector_paths = {},
                    .adapter_paths = {},
                    .draft_path = {},
                    .template_text = {},
                    .system = {},
                    .params_json = {},
                    .messages_json = {},
                    .licenses = {}};
  const Manifest& manifest = model.stored.manifest;
  const ModelName& found = model.stored.name;
  if (manifest.config) {
    check_blob(blobs_, *manifest.config, found);
    model.config = parse_model_config(blobs_.read(manifest.config->digest, text_layer_bytes_max),
                                      fmt::format("config of '{}'", found.display()));
  }
  for (const Layer& layer : manifest.layers) {
    const std::string problem = link_problem(layer.digest);
    if (!problem.empty()) {
      throw Error(ErrorCode::corrupt_data, fmt::format("model '{}': {}; create or import it again",
                                                       found.display(), problem));
    }
    check_blob(blobs_, layer, found);
    take_layer(model, blobs_, layer);
  }
  return model;
}

void ModelStore::write(const ModelName& name, std::string_view manifest_bytes) {
  const Manifest manifest =
      parse_manifest(manifest_bytes, fmt::format("manifest of '{}'", name.display()));
  std::lock_guard lock(change_mutex_);
  for (const BlobDigest& digest : referenced_blobs(manifest)) {
    if (blobs_.has(digest)) continue;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("cannot store '{}': blob {} is not in the store", name.display(),
                            digest.text()));
  }
  write_locked(name, manifest_bytes);
}

// A damaged old manifest says nothing about what it referred to; its blobs stay until somebody
// prunes.
void ModelStore::write_locked(const ModelName& name, std::string_view bytes) {
  const ModelName target = resolve_in(root_, name).value_or(name);
  const std::optional<Manifest> old_manifest = readable_manifest(target);
  const std::filesystem::path path = manifest_path(target);
  std::vector<BlobPin> pins;
  const Manifest manifest = parse_manifest(bytes, "manifest");
  for (const BlobDigest& digest : referenced_blobs(manifest))
    pins.push_back(blobs_.adopt(digest).pin);
  make_folders(path.parent_path());
  write_file_atomically(path, bytes);
  for (const BlobDigest& digest : referenced_blobs(manifest)) blobs_.release(digest);
  if (old_manifest && options_.prunes) remove_unreferenced(*old_manifest);
}

void ModelStore::copy(const ModelName& source, const ModelName& destination) {
  std::lock_guard lock(change_mutex_);
  const auto stored = read(source);
  if (!stored) throw_not_found(source);
  if (stored->is_ours && stored->name == destination) return;
  write_locked(destination, stored->bytes);
}

void ModelStore::remove(const ModelName& name) {
  std::lock_guard lock(change_mutex_);
  const auto resolved = resolve_in(root_, name);
  if (!resolved) refuse_removal(name, read(name));
  const std::optional<Manifest> old_manifest = readable_manifest(*resolved);
  const std::filesystem::path path = manifest_path(*resolved);
  std::error_code error;
  if (!std::filesystem::remove(path, error) && error) {
    throw Error(ErrorCode::forbidden,
                fmt::format("cannot remove '{}': {}", name.display(), error.message()));
  }
  fsync_folder(path.parent_path());
  remove_empty_folders(path.parent_path());
  if (old_manifest) remove_unreferenced(*old_manifest);
}

StoredBlob ModelStore::remember(StoredBlob blob, const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::read_symlink(blobs_.path(blob.digest), error) == file)
    linked_files_.add(blob.digest, file);
  return blob;
}

StoredBlob ModelStore::link_file(const std::filesystem::path& file,
                                 const ImportProgress& progress) {
  return remember(blobs_.link_file(file, progress), file);
}

StoredBlob ModelStore::link_unread_file(const std::filesystem::path& file) {
  return remember(blobs_.link_unread_file(file), file);
}

StoredBlob ModelStore::link_known_file(const BlobDigest& digest,
                                       const std::filesystem::path& file) {
  return remember(blobs_.link_known_file(digest, file), file);
}

BlobDigest ModelStore::read_linked_file(const BlobDigest& digest, const ImportProgress& progress) {
  const auto file = described_file(digest, blobs_.path(digest));
  if (!file) return digest;
  const StoredBlob blob = link_file(*file, progress);
  if (described_file(digest, blobs_.path(digest)) != file) {
    throw Error(ErrorCode::corrupt_data,
                fmt::format("{} changed while it was read; import it again", file->string()));
  }
  rename_in_manifests(digest, blob.digest);
  return blob.digest;
}

// The manifest's other bytes stay as they are.
void ModelStore::rename_in_manifests(const BlobDigest& old_digest, const BlobDigest& new_digest) {
  const std::lock_guard lock(change_mutex_);
  for (const ModelName& name : names_on_disk(root_ / "manifests")) {
    const std::optional<Manifest> manifest = readable_manifest(name);
    if (!manifest || !referenced_blobs(*manifest).contains(old_digest)) continue;
    std::string bytes = read_in(root_, name)->bytes;
    for (size_t at; (at = bytes.find(old_digest.hex())) != std::string::npos;)
      bytes.replace(at, old_digest.hex().size(), new_digest.hex());
    write_locked(name, bytes);
  }
}

std::string ModelStore::link_problem(const BlobDigest& digest) const {
  return linked_files_.problem(digest, blobs_.path(digest));
}

void ModelStore::set_aside(const BlobDigest& digest) {
  make_folders(root_ / damaged_folder);
  move_file(root_ / "blobs" / digest.file_name(), root_ / damaged_folder / digest.file_name());
}

void ModelStore::put_back(const BlobDigest& digest) {
  if (blobs_.has(digest)) return;  // a good one has come meanwhile
  move_file(root_ / damaged_folder / digest.file_name(), root_ / "blobs" / digest.file_name());
}

void ModelStore::sweep(const std::function<void(const std::set<BlobDigest>&)>& job) {
  const std::lock_guard lock(change_mutex_);
  job(referenced());
}

std::set<BlobDigest> ModelStore::referenced() const {
  std::set<BlobDigest> digests;
  for (const ModelName& name : names_on_disk(root_ / "manifests")) {
    const auto stored = read_in(root_, name);
    if (stored) digests.merge(referenced_blobs(stored->manifest));
  }
  return digests;
}

std::optional<Manifest> ModelStore::readable_manifest(const ModelName& name) const {
  try {
    if (auto stored = read_in(root_, name)) return std::move(stored->manifest);
  } catch (const Error& error) {
    log::warn(error.what());
  }
  return std::nullopt;
}

void ModelStore::remove_unreferenced(const Manifest& old_manifest) {
  std::set<BlobDigest> unreferenced = referenced_blobs(old_manifest);
  for (const ModelName& name : names_on_disk(root_ / "manifests")) {
    const std::optional<Manifest> other = readable_manifest(name);
    if (!other) continue;
    for (const BlobDigest& digest : referenced_blobs(*other)) unreferenced.erase(digest);
  }
  for (const BlobDigest& digest : unreferenced) blobs_.remove_unless_pinned(digest);
}

void ModelStore::remove_empty_folders(std::filesystem::path folder) const {
  const std::filesystem::path manifests = root_ / "manifests";
  for (int level = 0; level < 3 && folder != manifests; ++level) {
    if (::rmdir(folder.c_str()) != 0) return;  // not empty: somebody else's models are in it
    folder = folder.parent_path();
  }
}

}  // namespace hearth::registry
