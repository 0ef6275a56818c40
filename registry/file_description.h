// A name for the content of a file that nobody has read: models of any size are imported without
// their bytes being looked at. The digest of a short description - path, size, date, the digest of
// the first bytes - stands where the digest of the content would. It is a SHA-256 like any other,
// so that it can never be the name of something else, and whoever has the file can work it out
// again, so that nothing need be remembered about it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "registry/blob_digest.h"

namespace hearth::registry {

struct FileDescription {
  BlobDigest digest;
  uint64_t size_bytes = 0;
};

// `file` is absolute. Throws Error{not_found | forbidden | invalid_argument} for a file that cannot
// be read or is no regular one.
FileDescription describe_file(const std::filesystem::path& file);
// The file behind a blob that has the name of its description; absent for blobs that have the name
// of their content. A file that has changed since is not found.
std::optional<std::filesystem::path> described_file(const BlobDigest& digest,
                                                    const std::filesystem::path& blob);

}  // namespace hearth::registry
