// One blob from the store to a registry, in parts, each where the one before it said.
#pragma once

#include <string>

#include "registry/blob_store.h"
#include "registry/manifest.h"
#include "registry/remote/blob_download.h"
#include "registry/remote/remote_repository.h"

namespace hearth::registry {

// Returns when the registry has the blob. `mount_from` is a repository of the same registry that
// may have it ("namespace/model"; empty: none). Throws as RemoteSession::request does,
// Error{not_found} for a blob that is not in the store, and what `progress` throws.
void upload_blob(const BlobStore& blobs, RemoteSession& session, RemoteRepository& repository,
                 const Layer& layer, const std::string& mount_from, const BlobProgress& progress);

// Parts as Ollama's registry knows them: a sixteenth of the blob, between 100 MB and 1 GB.
uint64_t upload_part_bytes(uint64_t size_bytes);

}  // namespace hearth::registry
