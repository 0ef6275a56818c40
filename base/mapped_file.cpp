#include "base/mapped_file.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

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
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace hearth
