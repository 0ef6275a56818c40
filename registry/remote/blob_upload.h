// One blob from the store to a registry.
#pragma once

#include "registry/blob_store.h"
#include "registry/remote/blob_download.h"
#include "registry/remote/remote_repository.h"

namespace hearth::registry {

// `order.url` is where begin_upload sends it. Returns when the registry has the blob. Throws as
// RemoteSession::request does, Error{not_found} for a blob that is not in the store, and what
// `progress` throws.
void upload_blob(const BlobStore& blobs, RemoteSession& session, RemoteRepository& repository,
                 const BlobOrder& order, const BlobProgress& progress);

}  // namespace hearth::registry
