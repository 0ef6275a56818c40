#include "base/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace hearth {

MappedFile MappedFile::open(const std::filesystem::path& path) {
  UniqueFd fd = open_for_reading(path);
  return from_fd(fd.get(), path.string());
}

MappedFile MappedFile::from_fd(int fd, std::string_view what) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    throw Error(ErrorCode::internal, fmt::format("cannot read {}: {}", what, std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::invalid_argument, fmt::format("{} is not a regular file", what));
  }
  MappedFile file;
  file.fd_ = UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!file.fd_) {
    throw Error(ErrorCode::internal, fmt::format("cannot keep {}: {}", what, std::strerror(errno)));
  }
  file.size_ = static_cast<size_t>(status.st_size);
  if (file.size_ == 0) return file;
  void* address = ::mmap(nullptr, file.size_, PROT_READ, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) {
    file.size_ = 0;
    throw Error(ErrorCode::internal, fmt::format("cannot map {}: {}", what, std::strerror(errno)));
  }
  file.data_ = static_cast<const std::byte*>(address);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    std::swap(fd_, other.fd_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  return *this;
}

void MappedFile::read(uint64_t offset, std::span<std::byte> out, std::string_view what) const {
  while (!out.empty()) {
    const ssize_t count = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw Error(ErrorCode::internal,
                  fmt::format("{}: reading {} bytes at offset {} failed: {}; check the disk, or "
                              "fetch the file again",
                              what, out.size(), offset, std::strerror(errno)));
    }
    if (count == 0) {
      struct stat status {};
      const bool is_known = ::fstat(fd_.get(), &status) == 0;
      const uint64_t end = is_known ? static_cast<uint64_t>(status.st_size) : offset;
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("{}: the file ends at offset {}, {} bytes too early: it was cut "
                              "while it was in use; fetch it again",
                              what, end, offset + out.size() - end));
    }
    offset += static_cast<uint64_t>(count);
    out = out.subspan(static_cast<size_t>(count));
  }
}

void MappedFile::forget(uint64_t offset, size_t size) const noexcept {
  ::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(size),
                  POSIX_FADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace hearth
