// Models of a few bytes in a store.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "registry/model_store.h"
#include "tests/registry/temporary_folder.h"

namespace hearth::testing {

// One model layer for each text, and an empty config.
inline registry::Manifest store_model(registry::ModelStore& store, std::string_view name,
                                      const std::vector<std::string>& texts) {
  namespace media_type = registry::media_type;
  registry::Manifest manifest;
  std::vector<registry::StoredBlob> blobs;  // stay pinned until the manifest is written
  for (const std::string& text : texts) {
    blobs.push_back(store.blobs().write(text));
    manifest.layers.push_back(
        {std::string(media_type::model), blobs.back().digest, text.size(), "", ""});
  }
  blobs.push_back(store.blobs().write("{}"));
  manifest.config = {std::string(media_type::config), blobs.back().digest, 2, "", ""};
  store.write(registry::ModelName::parse(name), registry::print_manifest(manifest));
  return manifest;
}

}  // namespace hearth::testing
