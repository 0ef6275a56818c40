// The file of a download that is not complete: blobs/sha256-<hex>-partial.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "base/file.h"
#include "registry/blob_store.h"
#include "registry/remote/byte_ranges.h"

namespace hearth::registry {

// One owner at a time, across processes. Reads and writes from any thread.
class PartialFile {
 public:
  // Opens or makes it, in its full size without taking space. Throws Error{unavailable} when
  // another process has it, {out_of_memory | forbidden | internal}.
  PartialFile(const std::filesystem::path& blobs_folder, BlobDigest digest, uint64_t size_bytes);

  const std::filesystem::path& path() const { return path_; }
  // False: it was made now, or was larger than the blob; nothing in it counts.
  bool was_there() const { return was_there_; }

  // Throws Error{out_of_memory} when the disk is full, with what to do.
  void write(uint64_t offset, std::span<const std::byte> bytes);
  // All of `into`. Throws Error{internal}.
  void read(uint64_t offset, std::span<std::byte> into) const;
  // Returns when all that was written is on the disk. Throws Error{internal | out_of_memory}.
  void sync();
  // Lets the system begin to write these bytes, without waiting.
  void begin_sync(ByteRange range);

  // Makes it the blob. Its content has been checked.
  StoredBlob publish(BlobStore& blobs);
  void remove();

 private:
  std::filesystem::path path_;
  BlobDigest digest_;
  uint64_t size_bytes_;
  UniqueFd fd_;
  bool was_there_ = false;
};

// Where the file of a blob is, or would be.
std::filesystem::path partial_path(const std::filesystem::path& blobs_folder,
                                   const BlobDigest& digest);
// SHA-256 of a range, in 64 lower-case hex digits. `check` is called between slices.
std::string hash_range(const PartialFile& file, ByteRange range,
                       const std::function<void()>& check);

}  // namespace hearth::registry
