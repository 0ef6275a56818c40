#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace hearth {
namespace {

[[noreturn]] void throw_errno(int number, std::string_view doing, std::string_view what) {
  ErrorCode code = ErrorCode::internal;
  if (number == ENOENT || number == ENOTDIR) code = ErrorCode::not_found;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::forbidden;
  if (number == ENOSPC || number == EDQUOT || number == ENOMEM) code = ErrorCode::out_of_memory;
  throw Error(code, fmt::format("{} {}: {}", doing, what, std::strerror(number)));
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void UniqueFd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

UniqueFd open_for_reading(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw_errno(errno, "cannot open", path.string());
  return fd;
}

std::string read_file(const std::filesystem::path& path, size_t size_max_bytes) {
  UniqueFd fd = open_for_reading(path);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno(errno, "cannot read", path.string());
  if (S_ISDIR(status.st_mode)) throw_errno(EISDIR, "cannot read", path.string());
  std::string content;
  char buffer[65536];
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno(errno, "cannot read", path.string());
    if (count == 0) return content;
    content.append(buffer, static_cast<size_t>(count));
    if (content.size() > size_max_bytes) {
      throw Error(ErrorCode::corrupt_data, fmt::format("{}: larger than the {} bytes allowed here",
                                                       path.string(), size_max_bytes));
    }
  }
}

size_t read_some(int fd, std::span<std::byte> buffer, std::string_view what) {
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) throw_errno(errno, "cannot read", what);
  }
}

void write_all(int fd, std::span<const std::byte> bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno(errno, "cannot write", what);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void fsync_folder(const std::filesystem::path& folder) {
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot and say so; then there is nothing to wait for.
  if (!fd || (::fsync(fd.get()) != 0 && errno != EINVAL))
    throw_errno(errno, "cannot sync folder", folder.string());
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  const std::string name = std::string(unfinished_prefix) + "XXXXXX";
  std::string temporary = (path.parent_path() / name).string();
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) throw_errno(errno, "cannot create a file beside", path.string());
  try {
    write_all(fd.get(), std::as_bytes(std::span(content.data(), content.size())), temporary);
    if (::fchmod(fd.get(), 0644) != 0 || ::fsync(fd.get()) != 0)
      throw_errno(errno, "cannot sync", temporary);
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      throw_errno(errno, "cannot rename to", path.string());
  } catch (...) {  // adds the clean-up and rethrows
    ::unlink(temporary.c_str());
    throw;
  }
  fsync_folder(path.parent_path().empty() ? "." : path.parent_path());
}

void make_folders(const std::filesystem::path& folder) {
  std::error_code problem;
  if (folder.empty() || std::filesystem::is_directory(folder, problem)) return;
  make_folders(folder.parent_path());
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
    throw_errno(errno, "cannot make the folder", folder.string());
  fsync_folder(folder.parent_path().empty() ? "." : folder.parent_path());
}

}  // namespace hearth
