// See garbage.h.
#include "registry/garbage.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "registry/maintenance.h"
#include "registry/remote/download_journal.h"
#include "registry/store_entries.h"

namespace hearth::registry {
namespace {

namespace fs = std::filesystem;

// Looks at the entries of one store, and removes what may go unless only asked to look.
class Collector {
 public:
  Collector(ModelStore& store, const GarbageOptions& options,
            const std::set<BlobDigest>& referenced)
      : store_(store), options_(options), referenced_(referenced) {}

  GarbageReport collect() {
    for (const fs::path& entry : entries_of(store_.root() / "blobs")) look_at(entry);
    for (const fs::path& entry : entries_of(store_.root() / damaged_folder))
      remove(entry, GarbageKind::damaged);
    if (!options_.is_dry_run) {
      remove_empty_manifest_folders(store_.root());
      forget_lost_downloads(store_.root());
    }
    const auto by_name = [](const Garbage& a, const Garbage& b) { return a.name < b.name; };
    std::sort(report_.removed.begin(), report_.removed.end(), by_name);
    std::sort(report_.kept.begin(), report_.kept.end(), by_name);
    return std::move(report_);
  }

 private:
  void look_at(const fs::path& entry) {
    const std::string name = entry.filename().string();
    if (const auto digest = BlobDigest::try_parse(name)) {
      if (name == digest->file_name() && !referenced_.contains(*digest))
        remove_blob(entry, *digest);
    } else if (const auto partial = partial_of(name)) {
      if (store_.blobs().is_kept(*partial)) return;
      if (options_.takes_downloads) return remove(entry, GarbageKind::download);
      report_.kept.push_back(found(entry, GarbageKind::download));
    } else if (name.starts_with(BlobStore::temporary_prefix)) {
      if (!is_being_written(entry)) remove(entry, GarbageKind::unfinished);
    } else {
      const auto age = age_of(entry);
      if (age && *age >= options_.foreign_grace) remove(entry, GarbageKind::unfinished);
    }
  }

  Garbage found(const fs::path& entry, GarbageKind kind) const {
    return {kind, entry.lexically_relative(store_.root()).string(), disk_bytes(entry)};
  }

  void remove_blob(const fs::path& entry, const BlobDigest& digest) {
    const Garbage garbage = found(entry, GarbageKind::blob);
    const bool goes = options_.is_dry_run ? !store_.blobs().is_kept(digest)
                                          : store_.blobs().remove_unless_pinned(digest);
    if (goes) report_.removed.push_back(garbage);
  }

  void remove(const fs::path& entry, GarbageKind kind) {
    const Garbage garbage = found(entry, kind);
    if (options_.is_dry_run || remove_entry(entry)) report_.removed.push_back(garbage);
  }

  ModelStore& store_;
  const GarbageOptions& options_;
  const std::set<BlobDigest>& referenced_;
  GarbageReport report_;
};

}  // namespace

std::string_view to_string(GarbageKind kind) {
  switch (kind) {
    case GarbageKind::blob:
      return "blob";
    case GarbageKind::unfinished:
      return "unfinished file";
    case GarbageKind::damaged:
      return "damaged blob";
    case GarbageKind::download:
      return "stopped download";
  }
  return "";
}

std::vector<Garbage> damaged_blobs(const ModelStore& store) {
  std::vector<Garbage> blobs;
  for (const fs::path& entry : entries_of(store.root() / damaged_folder)) {
    blobs.push_back(
        {GarbageKind::damaged, entry.lexically_relative(store.root()).string(), disk_bytes(entry)});
  }
  return blobs;
}

GarbageReport collect_garbage(ModelStore& store, const GarbageOptions& options) {
  GarbageReport report;
  try {
    store.sweep([&](const std::set<BlobDigest>& referenced) {
      report = Collector(store, options, referenced).collect();
    });
  } catch (const Error& error) {
    throw Error(error.code(),
                fmt::format("{}; nothing was removed, because what it refers to is not known: "
                            "pull, create or delete that model first",
                            error.what()));
  }
  return report;
}

}  // namespace hearth::registry
