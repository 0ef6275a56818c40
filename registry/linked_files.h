// state.db: files that lie elsewhere and are used where they lie, with the size and date they had
// when their content was read. The blob itself is a symbolic link in the blobs folder.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "registry/blob_digest.h"
#include "registry/database.h"

namespace hearth::registry {

// Any thread. The file of the database is made by the first add().
class LinkedFiles {
 public:
  explicit LinkedFiles(std::filesystem::path file) : file_(std::move(file)) {}

  // Throws Error{internal | corrupt_data}.
  void add(const BlobDigest& digest, const std::filesystem::path& target);
  // What is wrong with a linked blob: its file is gone, or is not the one that was linked. Empty:
  // nothing, or it is no link of ours.
  std::string problem(const BlobDigest& digest, const std::filesystem::path& blob);

 private:
  Database& database();

  std::filesystem::path file_;
  std::mutex mutex_;
  std::unique_ptr<Database> database_;
};

}  // namespace hearth::registry
