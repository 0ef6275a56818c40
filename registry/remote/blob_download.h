// One blob from its source into the store: partial file, journal, hash, and what is done about
// damage.
#pragma once

#include <cstdint>
#include <functional>

#include "registry/blob_store.h"
#include "registry/remote/download_journal.h"
#include "registry/remote/remote_session.h"

namespace hearth::registry {

struct BlobOrder {
  BlobDigest digest;
  uint64_t size_bytes = 0;
  Url url;
  uint64_t bytes_per_second =
      0;  // of this blob alone, beside what the session keeps to; 0: no limit
};

// Bytes that are here. Called from the transferring thread at least every 100 ms; throw from it to
// stop.
using BlobProgress = std::function<void(uint64_t completed_bytes)>;

// Returns when the blob is in the store. Throws Error{not_found | unauthorized | forbidden |
// corrupt_data | out_of_memory | unavailable} and what `progress` throws; whatever has arrived
// stays for the next time, except when the source is wrong.
StoredBlob download_blob(BlobStore& blobs, DownloadJournal& journal, RemoteSession& session,
                         const BlobOrder& order, const BlobProgress& progress);

}  // namespace hearth::registry
