// Content-addressed files: <root>/blobs/sha256-<hex>. A blob is visible only once its digest is
// verified; what is being written has a temporary name of its own and disappears when it is not
// committed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/file.h"
#include "registry/blob_digest.h"

namespace hearth::registry {

class BlobStore;

// While a pin lives, the store does not remove that blob: hold it from commit until the manifest
// that refers to the blob is written. Must not outlive its store.
class BlobPin {
 public:
  BlobPin() = default;
  BlobPin(BlobPin&& other) noexcept;
  BlobPin& operator=(BlobPin&& other) noexcept;
  ~BlobPin();

 private:
  friend class BlobStore;
  BlobPin(BlobStore* store, BlobDigest digest) : store_(store), digest_(std::move(digest)) {}

  BlobStore* store_ = nullptr;
  std::optional<BlobDigest> digest_;
};

// A blob that is in the store now.
struct StoredBlob {
  BlobDigest digest;
  uint64_t size_bytes;
  bool is_new;  // false: the store had it already
  BlobPin pin;
};

// One blob on its way in. Used by one thread at a time. Dropped without commit() it leaves nothing
// behind.
class BlobWriter {
 public:
  BlobWriter(BlobWriter&&) noexcept;
  BlobWriter& operator=(BlobWriter&&) = delete;
  ~BlobWriter();

  // Throws Error{out_of_memory} when the disk is full.
  void append(std::span<const std::byte> bytes);
  void append(std::string_view text) { append(std::as_bytes(std::span(text.data(), text.size()))); }
  uint64_t size_bytes() const { return size_bytes_; }

  // Makes the blob visible: fsync, digest check, rename. Throws Error{invalid_argument} telling
  // both digests when `expected` is given and differs; nothing is stored then. Call once.
  StoredBlob commit(const std::optional<BlobDigest>& expected = std::nullopt);

  // The file itself, for another process that writes it in place of append(). Then
  // commit_written(), which reads all of it to know its digest.
  int descriptor() const { return fd_.get(); }
  StoredBlob commit_written();

 private:
  friend class BlobStore;
  explicit BlobWriter(BlobStore& store);

  BlobStore* store_;
  std::filesystem::path temporary_path_;
  UniqueFd fd_;
  Sha256 hash_;
  uint64_t size_bytes_ = 0;
};

// Bytes hashed so far and in all. Called from the importing thread; throw from it to stop (nothing
// is left behind).
using ImportProgress = std::function<void(uint64_t done_bytes, uint64_t total_bytes)>;

// Thread-safe. Two processes may share a root: every visible file is complete, and writing the same
// blob twice is harmless.
class BlobStore {
 public:
  // Begins the names of files in `blobs` that are being written.
  static constexpr std::string_view temporary_prefix = "hearth-tmp-";

  // `root` is the models folder; `blobs` below it is made when missing. Removes temporary files of
  // ours that no living process holds. Throws Error{forbidden | internal | out_of_memory} naming
  // the folder.
  explicit BlobStore(std::filesystem::path root);
  ~BlobStore();
  BlobStore(const BlobStore&) = delete;
  BlobStore& operator=(const BlobStore&) = delete;

  // Blobs of another program's store, which are found where ours has none and never changed. Before
  // any other thread uses this.
  void add_readonly_folder(std::filesystem::path blobs_folder);

  // Where the blob lies, or where it would.
  std::filesystem::path path(const BlobDigest& digest) const;
  bool has(const BlobDigest& digest) const;
  // Size in bytes; absent when the blob is not there.
  std::optional<uint64_t> size(const BlobDigest& digest) const;
  // Throws Error{not_found} naming the digest, never the folder.
  UniqueFd open(const BlobDigest& digest) const;
  // A small blob (template, system, params). Throws as open(), and Error{corrupt_data} above
  // `size_max_bytes`.
  std::string read(const BlobDigest& digest, uint64_t size_max_bytes = uint64_t{16} << 20) const;

  BlobWriter begin_write();
  StoredBlob write(std::string_view content);
  // Copies a regular file in (sharing extents where the file system can) and hashes what was
  // copied; a file that changes meanwhile is noticed by size. Throws Error{not_found | forbidden |
  // invalid_argument} for the file.
  StoredBlob import_file(const std::filesystem::path& file, const ImportProgress& progress = {});

  // Hashes a file and makes it a blob by a symbolic link to it; a blob of our own that is there
  // already stays, a link to another place is replaced.
  // `file` is absolute. Throws as import_file.
  StoredBlob link_file(const std::filesystem::path& file, const ImportProgress& progress = {});
  // The same without reading the file: the blob has the name of its description
  // (file_description.h) until somebody needs that of its content.
  StoredBlob link_unread_file(const std::filesystem::path& file);
  // A link to a file whose content has this digest, as the program that keeps it says.
  StoredBlob link_known_file(const BlobDigest& digest, const std::filesystem::path& file);

  // Makes a blob that lies in another program's store ours too: by a second name for the same file
  // where the file system allows it, else by a copy. Throws Error{not_found} when nobody has it.
  StoredBlob adopt(const BlobDigest& digest);

  // Makes a file of the blobs folder, whose content the caller has checked and synced, the blob of
  // that name.
  StoredBlob publish_checked(const std::filesystem::path& file, const BlobDigest& digest,
                             uint64_t size_bytes) {
    return publish(file, digest, size_bytes);
  }
  // Where our own blobs lie.
  const std::filesystem::path& folder() const { return folder_; }

  BlobPin pin(const BlobDigest& digest);
  // True when the blob is there; it then stays for `duration` without anything referring to it, or
  // until that is ended by release(). For clients that ask first and refer to it in their next
  // request.
  bool hold(const BlobDigest& digest, std::chrono::seconds duration);
  // Ends one hold, if there is any.
  void release(const BlobDigest& digest);
  // Removes the blob from our own folder unless it is pinned or held. True when it is gone
  // afterwards.
  bool remove_unless_pinned(const BlobDigest& digest);
  // Whether somebody has a pin or a hold on it.
  bool is_kept(const BlobDigest& digest) const;

 private:
  friend class BlobPin;
  friend class BlobWriter;
  void unpin(const BlobDigest& digest);
  StoredBlob publish(const std::filesystem::path& temporary_path, BlobDigest digest,
                     uint64_t size_bytes);
  void remove_stale_temporaries() const;
  StoredBlob link(const BlobDigest& digest, const std::filesystem::path& file, uint64_t size_bytes);
  std::filesystem::path own_path(const BlobDigest& digest) const;

  struct Pins;
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> readonly_folders_;
  std::unique_ptr<Pins> pins_;
};

}  // namespace hearth::registry
