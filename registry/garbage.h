// What lies in a store and belongs to no model.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "registry/model_store.h"

namespace hearth::registry {

enum class GarbageKind {
  blob,        // that no manifest refers to
  unfinished,  // left behind by a process that is gone
  damaged,     // set aside when a model was repaired
  download,    // that was stopped and can go on
};
std::string_view to_string(GarbageKind kind);

struct Garbage {
  GarbageKind kind = GarbageKind::blob;
  std::string name;    // below the models folder: "blobs/sha256-..."
  uint64_t bytes = 0;  // that removing it gives back
};

// Those that repairs have replaced, until they are collected.
std::vector<Garbage> damaged_blobs(const ModelStore& store);

struct GarbageOptions {
  bool is_dry_run = false;
  bool takes_downloads = false;  // also those that can go on
  // Files in `blobs` that are neither ours nor blobs may be somebody else's work of this moment.
  std::chrono::seconds foreign_grace = std::chrono::hours(1);
};

struct GarbageReport {
  std::vector<Garbage> removed;  // or what would be, in a dry run
  std::vector<Garbage> kept;     // downloads that can go on
};

// Never touches what a manifest of ours refers to, what somebody has pinned or holds (a model being
// made, a running download) and other programs' stores. Removes empty folders of manifests too,
// and what the journal has of downloads that are gone.
// Throws Error{corrupt_data} naming a manifest that cannot be read: nothing is removed then.
GarbageReport collect_garbage(ModelStore& store, const GarbageOptions& options = {});

}  // namespace hearth::registry
