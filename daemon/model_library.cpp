#include "daemon/model_library.h"

namespace hearth::daemon {

std::vector<api::ModelSummary> ModelLibrary::list() {
  std::vector<api::ModelSummary> models;
  for (const registry::StoredManifest& stored : store_.list()) {
    api::ModelSummary& summary = models.emplace_back();
    summary.name = stored.name.display();
    summary.modified_at = stored.modified_at;
    summary.size_bytes = stored.size_bytes();
    summary.digest_hex = stored.digest_hex;
    summary.owner = stored.name.namespace_;
  }
  return models;
}

}  // namespace hearth::daemon
