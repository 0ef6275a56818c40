// See linked_files.h.
#include "registry/linked_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/log.h"

namespace hearth::registry {
namespace {

constexpr std::string_view schema =
    "CREATE TABLE IF NOT EXISTS links (digest TEXT PRIMARY KEY, target TEXT, stamp TEXT)";

// Size and date; empty for a file that is not there.
std::string stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  return fmt::format("{} {}.{:09}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

}  // namespace

Database& LinkedFiles::database() {
  if (!database_) database_ = std::make_unique<Database>(file_, schema);
  return *database_;
}

void LinkedFiles::add(const BlobDigest& digest, const std::filesystem::path& target) {
  const std::lock_guard lock(mutex_);
  database().run("INSERT OR REPLACE INTO links VALUES (?, ?, ?)",
                 {digest.hex(), target.string(), stamp_of(target)});
}

std::string LinkedFiles::problem(const BlobDigest& digest, const std::filesystem::path& blob) {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::read_symlink(blob, error);
  if (error) return "";
  const std::string stamp = stamp_of(target);
  if (stamp.empty()) return fmt::format("{}, where its weights lie, is gone", target.string());
  const std::lock_guard lock(mutex_);
  // A background job's catch site: the link works without its history.
  try {
    if (!std::filesystem::exists(file_, error)) return "";
    const auto rows = database().run("SELECT stamp FROM links WHERE digest = ? AND target = ?",
                                     {digest.hex(), target.string()});
    if (rows.empty() || rows.front().front() == stamp) return "";
  } catch (const Error& failure) {
    log::warn(fmt::format("no history of linked files: {}", failure.what()));
    return "";
  }
  return fmt::format("{} has changed since it was linked", target.string());
}

}  // namespace hearth::registry
