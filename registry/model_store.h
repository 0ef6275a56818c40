// The models folder: names -> manifests -> blobs, in Ollama's layout, so either program can use the
// other's folder.
//   manifests/<host>/<namespace>/<model>/<tag>   JSON, kept byte for byte
//   blobs/sha256-<hex>                           see blob_store.h
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/blob_store.h"
#include "registry/manifest.h"
#include "registry/name.h"

namespace hearth::registry {

// One manifest file as it was when it was read.
struct StoredManifest {
  ModelName name;  // with the case of the files on disk
  Manifest manifest;
  std::string bytes;
  std::string digest_hex;  // SHA-256 of `bytes`: the id people see
  std::chrono::system_clock::time_point modified_at;

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

// Thread-safe: changes are serialised by one mutex, reads see files that are always complete.
class ModelStore {
 public:
  // The models folder; made when missing. Throws Error naming the folder.
  explicit ModelStore(std::filesystem::path root);

  const std::filesystem::path& root() const { return root_; }
  BlobStore& blobs() { return blobs_; }
  const BlobStore& blobs() const { return blobs_; }

  // Newest first. A manifest that cannot be read is logged and left out; it never hides the others.
  std::vector<StoredManifest> list() const;
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
  // The manifest only; blobs are shared. Onto itself is fine. Throws Error{not_found}.
  void copy(const ModelName& source, const ModelName& destination);
  // The manifest, folders that become empty, and blobs that no other manifest refers to. Throws
  // Error{not_found}.
  void remove(const ModelName& name);

 private:
  std::filesystem::path manifest_path(const ModelName& name) const;
  std::optional<StoredManifest> read_exactly(const ModelName& name) const;
  std::optional<Manifest> readable_manifest(
      const ModelName& name) const;  // absent also when damaged (logged)
  void write_locked(const ModelName& name, std::string_view bytes);
  void remove_unreferenced(const Manifest& old_manifest);
  void remove_empty_folders(std::filesystem::path folder) const;

  std::filesystem::path root_;
  BlobStore blobs_;
  mutable std::mutex
      change_mutex_;  // held while manifests change, so that "unreferenced" is decided on one state
};

}  // namespace hearth::registry
