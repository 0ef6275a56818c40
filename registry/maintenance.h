// What is done when a daemon starts on its store: one daemon per folder, files of older programs
// renamed, what a crash left behind removed, and blobs that nothing refers to.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "registry/model_store.h"

namespace hearth::registry {

// While it lives no second daemon can take the same folder. Ends with the process, however that
// ends.
class StoreLock {
 public:
  // Waits up to three seconds for one that is ending. Throws Error{unavailable} naming the folder
  // and the process that holds it.
  explicit StoreLock(const std::filesystem::path& root);

 private:
  UniqueFd fd_;
};

struct MaintenanceOptions {
  bool prunes = true;
  // How long a file stays untouched before it may be removed: blobs that nothing refers to and
  // unfinished files, and downloads that somebody may want to go on with.
  std::chrono::seconds grace = std::chrono::hours(1);
  std::chrono::seconds partial_grace = std::chrono::hours(24 * 7);
};

struct MaintenanceReport {
  int renamed = 0;             // blobs under their old names
  int unfinished = 0;          // temporary files and folders
  int blobs = 0;               // that nothing referred to
  uint64_t bytes = 0;          // of all that was removed
  std::string why_not_pruned;  // empty when it was, or was not asked to
};

// Folders below `manifests` with nothing in them.
void remove_empty_manifest_folders(const std::filesystem::path& root);

// Needs the lock. Never throws for a single file: what cannot be removed stays and is logged.
MaintenanceReport maintain(ModelStore& store, const MaintenanceOptions& options = {});

}  // namespace hearth::registry
