// See maintenance.h.
#include "registry/maintenance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "registry/remote/download_journal.h"
#include "registry/store_entries.h"

namespace hearth::registry {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view lock_name = "hearth.lock";

std::string holder_of(int fd) {
  std::array<char, 32> text{};
  const ssize_t count = ::pread(fd, text.data(), text.size() - 1, 0);
  const std::string_view digits(text.data(), count > 0 ? static_cast<size_t>(count) : 0);
  const bool is_number =
      !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  return is_number ? fmt::format(" (process {})", digits) : "";
}

// Before 2024 blobs were called sha256:<hex>.
int rename_old_blobs(const fs::path& blobs) {
  int count = 0;
  for (const fs::path& entry : entries_of(blobs)) {
    const std::string name = entry.filename().string();
    if (!name.starts_with("sha256:")) continue;
    const std::optional<BlobDigest> digest = BlobDigest::try_parse(name);
    std::error_code error;
    if (!digest) continue;
    if (fs::exists(blobs / digest->file_name(), error)) {
      fs::remove(entry, error);
    } else {
      fs::rename(entry, blobs / digest->file_name(), error);
    }
    if (error) {
      log::warn(fmt::format("cannot rename the blob {}: {}", name, error.message()));
    } else {
      ++count;
    }
  }
  if (count > 0) fsync_folder(blobs);
  return count;
}

// Everything in the blobs folder that is no blob: temporary files of this and other programs.
void remove_unfinished(const fs::path& blobs, const MaintenanceOptions& options,
                       MaintenanceReport& report) {
  for (const fs::path& entry : entries_of(blobs)) {
    const std::string name = entry.filename().string();
    if (BlobDigest::try_parse(name)) continue;
    const auto grace = partial_of(name) ? options.partial_grace : options.grace;
    const auto age = age_of(entry);
    if (!age || *age < grace) continue;
    if (const auto bytes = remove_entry(entry)) {
      ++report.unfinished;
      report.bytes += *bytes;
    }
  }
}

void remove_unreferenced(ModelStore& store, const fs::path& blobs,
                         const MaintenanceOptions& options, MaintenanceReport& report) {
  std::set<BlobDigest> referenced;
  // A background job's catch site: a store with one damaged manifest still starts.
  try {
    referenced = store.referenced();
  } catch (const Error& error) {
    report.why_not_pruned = error.what();
    return;
  }
  for (const fs::path& entry : entries_of(blobs)) {
    const std::optional<BlobDigest> digest = BlobDigest::try_parse(entry.filename().string());
    const auto age = age_of(entry);
    if (!digest || referenced.contains(*digest) || !age || *age < options.grace) continue;
    const uint64_t bytes = disk_bytes(entry);
    if (!store.blobs().remove_unless_pinned(*digest)) continue;
    ++report.blobs;
    report.bytes += bytes;
  }
}

// Only before the first request nobody writes one.
enum class Unfinished { goes, stays };

// Bottom up: unfinished manifests, then folders with nothing in them. Links are left alone.
int clean_manifests(const fs::path& folder, int depth, Unfinished unfinished) {
  int count = 0;
  for (const fs::path& entry : entries_of(folder)) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(entry, error);
    if (fs::is_directory(status) && depth < 3) {
      count += clean_manifests(entry, depth + 1, unfinished);
      ::rmdir(entry.c_str());  // fails where something is in it
    } else if (unfinished == Unfinished::goes && fs::is_regular_file(status) &&
               entry.filename().string().starts_with(unfinished_prefix)) {
      count += fs::remove(entry, error) ? 1 : 0;
    }
  }
  return count;
}

// 0, or the error's number.
int lock_now(int fd) {
  return ::flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

}  // namespace

StoreLock::StoreLock(const fs::path& root) {
  make_folders(root);
  const fs::path path = root / lock_name;
  fd_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd_) {
    throw Error(ErrorCode::forbidden, fmt::format("cannot write into the models folder {}: {}",
                                                  root.string(), std::strerror(errno)));
  }
  // A daemon that is being stopped has left its port before it leaves the folder.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  int failure = lock_now(fd_.get());
  while (failure == EWOULDBLOCK && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    failure = lock_now(fd_.get());
  }
  if (failure != 0) {
    if (failure != EWOULDBLOCK) {
      log::warn(fmt::format("{} cannot be locked ({}): do not start a second daemon on it",
                            root.string(), std::strerror(failure)));
      return;
    }
    throw Error(ErrorCode::unavailable,
                fmt::format("another hearthd{} uses the models in {}: stop it, or give this one a "
                            "folder of its own with HEARTH_MODELS",
                            holder_of(fd_.get()), root.string()));
  }
  const std::string self = std::to_string(::getpid());
  if (::ftruncate(fd_.get(), 0) == 0)
    write_all(fd_.get(), std::as_bytes(std::span(self.data(), self.size())), lock_name);
}

void remove_empty_manifest_folders(const fs::path& root) {
  clean_manifests(root / "manifests", 0, Unfinished::stays);
}

MaintenanceReport maintain(ModelStore& store, const MaintenanceOptions& options) {
  const fs::path blobs = store.root() / "blobs";
  MaintenanceReport report;
  report.renamed = rename_old_blobs(blobs);
  report.unfinished = clean_manifests(store.root() / "manifests", 0, Unfinished::goes);
  if (options.prunes) {
    remove_unfinished(blobs, options, report);
    forget_lost_downloads(store.root());
    remove_unreferenced(store, blobs, options, report);
  }
  return report;
}

}  // namespace hearth::registry
