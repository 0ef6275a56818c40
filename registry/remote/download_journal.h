// state.db: how far downloads are, so that they go on where they were after whatever ended them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "registry/blob_digest.h"
#include "registry/database.h"
#include "registry/remote/byte_ranges.h"

namespace hearth::registry {

// What the source said a range must be.
struct RangeDigest {
  ByteRange range;
  std::string sha256_hex;
};

struct DownloadState {
  ByteRanges arrived;
  // Known to be on the disk; all that holds after the computer was started again.
  ByteRanges on_disk;
  std::vector<RangeDigest> digests;  // of ranges that were not looked at yet
};

// Any thread. One row per blob. Throws Error{internal | corrupt_data | out_of_memory}.
class DownloadJournal {
 public:
  explicit DownloadJournal(std::filesystem::path file);

  // What can be relied on now. Absent when nothing is known of this blob in this size.
  std::optional<DownloadState> find(const BlobDigest& digest, uint64_t size_bytes);
  void put(const BlobDigest& digest, uint64_t size_bytes, const DownloadState& state);
  void forget(const BlobDigest& digest);
  // What is known of downloads whose files are gone from that folder.
  void forget_lost(const std::filesystem::path& blobs_folder);

 private:
  Database& database();

  std::filesystem::path file_;
  std::string boot_;  // names this run of the computer
  std::mutex mutex_;
  std::unique_ptr<Database> database_;
};

// forget_lost() for the store in that folder, where it has a journal. A journal that cannot be
// changed is only logged.
void forget_lost_downloads(const std::filesystem::path& root);

// What Ollama's files `<partial>-<N>` beside a partial file say has arrived. Files that make no
// sense count for nothing.
ByteRanges read_ollama_parts(const std::filesystem::path& partial, uint64_t size_bytes);
void remove_ollama_parts(const std::filesystem::path& partial);

}  // namespace hearth::registry
