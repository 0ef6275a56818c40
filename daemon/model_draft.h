// A manifest on its way: layers are collected, their blobs pinned, and all becomes visible at once.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/types.h"
#include "registry/model_store.h"

namespace hearth::daemon {

// Called between steps; may throw to stop, and then nothing was made.
using CreateProgress = std::function<void(const api::ProgressEvent&)>;

// Used by one thread.
class ModelDraft {
 public:
  ModelDraft(registry::ModelStore& store, const CreateProgress& progress)
      : store_(store), progress_(progress) {}

  registry::ModelConfig config;

  registry::BlobStore& blobs() { return store_.blobs(); }
  // Digests of the layers of one kind, in order.
  std::vector<registry::BlobDigest> digests(std::string_view type) const;

  // A layer whose blob is in the store.
  void add_existing(registry::Layer layer);
  // A blob that was written for this model.
  void add_written(std::string_view type, registry::StoredBlob blob);
  void add_text(std::string_view type, std::string_view text);
  void remove(std::string_view type);
  // Keeps a blob that a layer will refer to.
  void keep(registry::BlobPin pin) { pins_.push_back(std::move(pin)); }

  void report(std::string status) const;
  void report(const api::ProgressEvent& event) const { progress_(event); }
  // Config and manifest.
  void write(const registry::ModelName& name);

 private:
  // A layer that is taken out again no longer holds its blob.
  struct HeldLayer {
    registry::Layer layer;
    registry::BlobPin pin;
  };

  HeldLayer layer_of(std::string_view type, registry::StoredBlob blob);

  registry::ModelStore& store_;
  const CreateProgress& progress_;
  std::vector<HeldLayer> layers_;
  std::vector<registry::BlobPin> pins_;  // of files that become layers
};

}  // namespace hearth::daemon
