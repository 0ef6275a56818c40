// The models folder: names -> manifests -> blobs, in Ollama's layout, so either program can use the
// other's folder.
//   manifests/<host>/<namespace>/<model>/<tag>   JSON, kept byte for byte
//   blobs/sha256-<hex>                           see blob_store.h
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "registry/blob_store.h"
#include "registry/linked_files.h"
#include "registry/manifest.h"
#include "registry/name.h"

namespace hearth::registry {

// Below the models folder: blobs that were set aside because their content was wrong.
inline constexpr std::string_view damaged_folder = "damaged";

// One manifest file as it was when it was read.
struct StoredManifest {
  ModelName name;  // with the case of the files on disk
  Manifest manifest;
  std::string bytes;
  std::string digest_hex;  // SHA-256 of `bytes`: the id people see
  std::chrono::system_clock::time_point modified_at;
  std::filesystem::path root;  // the models folder it lies in
  bool is_ours = true;         // false: in another program's store, which we only read

  uint64_t size_bytes() const { return manifest.size_bytes(); }
};

// Everything needed to run or show a model. Texts are read; weights are paths that existed when
// this was made.
struct StoredModel {
  StoredManifest stored;
  ModelConfig config;  // empty when the manifest has none
  std::filesystem::path model_path;
  std::string parent_model;  // short name; empty when none
  std::vector<std::filesystem::path> projector_paths;
  std::vector<std::filesystem::path> adapter_paths;
  std::optional<std::filesystem::path> draft_path;
  std::optional<std::string> template_text;  // Go template layer
  std::optional<std::string> system;
  std::optional<std::string> params_json;    // object: option -> value
  std::optional<std::string> messages_json;  // array of {role, content, ...}
  std::vector<std::string> licenses;
};

struct ModelStoreOptions {
  // Blobs that nothing refers to any more are removed when a model is replaced.
  bool prunes = true;
  // Models folders of other programs: listed and used beside ours, never changed. A name that we
  // have too is ours.
  std::vector<std::filesystem::path> readonly_roots;
};

// Thread-safe: changes are serialised by one mutex, reads see files that are always complete.
class ModelStore {
 public:
  // The models folder; made when missing. Throws Error naming the folder.
  explicit ModelStore(std::filesystem::path root, ModelStoreOptions options = {});

  const std::filesystem::path& root() const { return root_; }
  BlobStore& blobs() { return blobs_; }
  const BlobStore& blobs() const { return blobs_; }

  // Newest first. A manifest that cannot be read is logged and left out; it never hides the others.
  std::vector<StoredManifest> list() const;
  // The same of another models folder, whoever it belongs to; it is only read.
  std::vector<StoredManifest> list_elsewhere(const std::filesystem::path& root) const;
  // The name on disk that equals `name` without regard to case; absent when there is none. An exact
  // match wins.
  std::optional<ModelName> resolve(const ModelName& name) const;
  // Absent when there is no such model. Throws Error{corrupt_data} when its manifest is damaged.
  std::optional<StoredManifest> read(const ModelName& name) const;
  // Throws Error{not_found} with the short name for a model that is not there, {corrupt_data} for a
  // damaged manifest and for a layer whose blob is missing or has another size.
  StoredModel open(const ModelName& name) const;

  // Stores the manifest as these bytes, over an older one of the same name (whose blobs that
  // nothing refers to any more are removed). Throws Error{invalid_argument} when a blob it names is
  // not in the store.
  void write(const ModelName& name, std::string_view manifest_bytes);
  // The manifest only; blobs are shared, and those of another store are adopted. Onto itself is
  // fine. Throws Error{not_found}.
  void copy(const ModelName& source, const ModelName& destination);
  // The manifest, folders that become empty, and blobs that no other manifest refers to. Throws
  // Error{not_found}, and Error{forbidden} for a model of another store, naming where it lies.
  void remove(const ModelName& name);

  // As BlobStore::link_file, and remembers how the file looked, so that open() notices when it is
  // another one.
  StoredBlob link_file(const std::filesystem::path& file, const ImportProgress& progress);

  // The same without reading the file, whatever its size (BlobStore::link_unread_file), and for one
  // whose digest another program knows (BlobStore::link_known_file).
  StoredBlob link_unread_file(const std::filesystem::path& file);
  StoredBlob link_known_file(const BlobDigest& digest, const std::filesystem::path& file);
  // Reads a file that was linked unread and gives its blob the name of its content, in every
  // manifest too (whose models get another id). A blob that has it already is left as it is.
  // Returns the name. Throws Error{corrupt_data} for a file that changes meanwhile.
  BlobDigest read_linked_file(const BlobDigest& digest, const ImportProgress& progress);
  // What is wrong with a blob that is a link: see LinkedFiles::problem.
  std::string link_problem(const BlobDigest& digest) const;

  // Takes a blob whose content is wrong out of the way, so that it is fetched again; put_back
  // undoes it. Neither does anything where there is no such file. Throw Error{internal |
  // forbidden}.
  void set_aside(const BlobDigest& digest);
  void put_back(const BlobDigest& digest);

  // Runs `job` with every blob that a manifest of ours refers to, while no manifest can change:
  // what is not among them and not kept by a pin belongs to nobody. Throws as referenced().
  void sweep(const std::function<void(const std::set<BlobDigest>&)>& job);

  // Every blob that a manifest of ours refers to. Throws Error{corrupt_data} when one of them
  // cannot be read: nothing may be removed then.
  std::set<BlobDigest> referenced() const;

 private:
  std::filesystem::path manifest_path(const ModelName& name) const;
  std::optional<ModelName> resolve_in(const std::filesystem::path& root,
                                      const ModelName& name) const;
  std::optional<StoredManifest> read_in(const std::filesystem::path& root,
                                        const ModelName& name) const;
  std::optional<Manifest> readable_manifest(
      const ModelName& name) const;  // of ours; absent also when damaged (logged)
  void list_in(const std::filesystem::path& root, std::vector<StoredManifest>& models) const;
  void write_locked(const ModelName& name, std::string_view bytes);
  StoredBlob remember(StoredBlob blob, const std::filesystem::path& file);
  void rename_in_manifests(const BlobDigest& old_digest, const BlobDigest& new_digest);
  void remove_unreferenced(const Manifest& old_manifest);
  void remove_empty_folders(std::filesystem::path folder) const;

  std::filesystem::path root_;
  ModelStoreOptions options_;
  BlobStore blobs_;
  mutable LinkedFiles linked_files_;  // looks into its file only when there are links
  mutable std::mutex
      change_mutex_;  // held while manifests change, so that "unreferenced" is decided on one state
};

}  // namespace hearth::registry
