// See store_entries.h.
#include "registry/store_entries.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/file.h"
#include "base/log.h"

namespace hearth::registry {

namespace fs = std::filesystem;

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    entries.push_back(entry->path());
  }
  return entries;
}

std::optional<std::chrono::seconds> age_of(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return std::chrono::seconds(::time(nullptr) - status.st_mtim.tv_sec);
}

uint64_t disk_bytes(const fs::path& path) {
  constexpr uint64_t block_bytes = 512;  // what st_blocks counts, whatever the file system's are
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return 0;
  if (S_ISDIR(status.st_mode)) {
    uint64_t bytes = 0;
    for (const fs::path& entry : entries_of(path)) bytes += disk_bytes(entry);
    return bytes;
  }
  if (!S_ISREG(status.st_mode) || status.st_nlink > 1) return 0;
  const auto size_bytes = static_cast<uint64_t>(status.st_size);
  if (!partial_of(path.filename().string())) return size_bytes;
  return std::min(size_bytes, static_cast<uint64_t>(status.st_blocks) * block_bytes);
}

std::optional<BlobDigest> partial_of(std::string_view file_name) {
  constexpr size_t digest_characters = 7 + 64;
  if (file_name.size() <= digest_characters ||
      !file_name.substr(digest_characters).starts_with("-partial")) {
    return std::nullopt;
  }
  return BlobDigest::try_parse(file_name.substr(0, digest_characters));
}

std::optional<uint64_t> remove_entry(const fs::path& path) {
  const uint64_t bytes = disk_bytes(path);
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return bytes;
  log::warn(fmt::format("cannot remove {}: {}", path.string(), error.message()));
  return std::nullopt;
}

bool is_being_written(const fs::path& path) {
  std::error_code error;
  if (fs::is_symlink(path, error)) {  // which cannot be locked, and gets its last name at once
    const auto age = age_of(path);
    return age && *age < std::chrono::minutes(1);
  }
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  return fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
}

}  // namespace hearth::registry
