// See model_draft.h.
#include "daemon/model_draft.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hearth::daemon {

std::vector<registry::BlobDigest> ModelDraft::digests(std::string_view type) const {
  std::vector<registry::BlobDigest> digests;
  for (const HeldLayer& held : layers_) {
    if (held.layer.media_type == type) digests.push_back(held.layer.digest);
  }
  return digests;
}

// The pin comes first: a blob that is there behind it stays.
void ModelDraft::add_existing(registry::Layer layer) {
  registry::BlobPin pin = store_.blobs().pin(layer.digest);
  if (!store_.blobs().has(layer.digest)) {
    throw Error(ErrorCode::not_found,
                fmt::format("blob {} was removed meanwhile", layer.digest.text()));
  }
  report(fmt::format("using existing layer {}", layer.digest.text()));
  layers_.push_back({std::move(layer), std::move(pin)});
}

void ModelDraft::add_written(std::string_view type, registry::StoredBlob blob) {
  layers_.push_back(layer_of(type, std::move(blob)));
}

void ModelDraft::add_text(std::string_view type, std::string_view text) {
  layers_.push_back(layer_of(type, store_.blobs().write(text)));
}

void ModelDraft::remove(std::string_view type) {
  std::erase_if(layers_, [type](const HeldLayer& held) { return held.layer.media_type == type; });
}

void ModelDraft::report(std::string status) const {
  api::ProgressEvent event;
  event.status = std::move(status);
  progress_(event);
}

void ModelDraft::write(const registry::ModelName& name) {
  registry::Manifest manifest;
  const HeldLayer config_layer = layer_of(
      registry::media_type::config, store_.blobs().write(registry::print_model_config(config)));
  manifest.config = config_layer.layer;
  for (const HeldLayer& held : layers_) manifest.layers.push_back(held.layer);
  report("writing manifest");
  store_.write(name, registry::print_manifest(manifest));
  report("success");
}

ModelDraft::HeldLayer ModelDraft::layer_of(std::string_view type, registry::StoredBlob blob) {
  report(fmt::format("{} layer {}", blob.is_new ? "creating new" : "using existing",
                     blob.digest.text()));
  return {{std::string(type), blob.digest, blob.size_bytes, "", ""}, std::move(blob.pin)};
}

}  // namespace hearth::daemon
