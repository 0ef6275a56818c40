// Whether the blobs of a store are what their names say: every byte is read again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "registry/model_store.h"

namespace hearth::registry {

enum class BlobHealth {
  good,
  read,     // good; nobody had read this file before: its blob now has the name of its content
  damaged,  // the content is another
  missing,  // a manifest refers to it, and it is not there
  moved,    // a link to a file that is gone or has changed
};
std::string_view to_string(BlobHealth health);

struct BlobFinding {
  explicit BlobFinding(BlobDigest the_digest) : digest(std::move(the_digest)) {}

  BlobDigest digest;  // as the manifest had it
  BlobHealth health = BlobHealth::good;
  uint64_t size_bytes = 0;
  std::string detail;                // what was found in place of what; empty when good
  std::vector<std::string> models;   // that refer to it, short names
  std::vector<ModelName> ours;       // those of them that lie in our own store
  std::vector<ModelName> parents;    // that the blob came from, where a model of ours says so
  std::optional<BlobDigest> actual;  // of the content, where it was read and is another
};

struct VerifyOptions {
  std::optional<ModelName> model;  // absent: every blob of our store
  int threads = 4;                 // files that are read at once, at most
};

// Called from the thread that verifies, every 100 ms. Throw from it to stop.
using VerifyProgress = std::function<void(uint64_t done_bytes, uint64_t total_bytes)>;

// One finding for each blob: what is wrong first, then by digest. Reads only, except that blobs
// that nobody has read get the names of their contents. Throws Error{not_found} for a model that is
// not there, {corrupt_data} for a manifest that cannot be read.
std::vector<BlobFinding> verify(ModelStore& store, const VerifyOptions& options,
                                const VerifyProgress& progress);

}  // namespace hearth::registry
