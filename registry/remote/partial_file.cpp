// See partial_file.h.
#include "registry/remote/partial_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/digest.h"
#include "base/error.h"

namespace hearth::registry {
namespace {

constexpr size_t slice_bytes = size_t{1} << 20;

[[noreturn]] void throw_errno(int number, const std::string& doing,
                              const std::filesystem::path& path) {
  if (number == ENOSPC || number == EDQUOT || number == EFBIG) {
    throw Error(ErrorCode::out_of_memory,
                fmt::format("no space left in {}: make room, then pull again: it goes on where it "
                            "stopped",
                            path.parent_path().string()));
  }
  const bool is_forbidden = number == EACCES || number == EPERM || number == EROFS;
  throw Error(is_forbidden ? ErrorCode::forbidden : ErrorCode::internal,
              fmt::format("cannot {} {}: {}", doing, path.string(), std::strerror(number)));
}

}  // namespace

std::filesystem::path partial_path(const std::filesystem::path& blobs_folder,
                                   const BlobDigest& digest) {
  return blobs_folder / (digest.file_name() + "-partial");
}

PartialFile::PartialFile(const std::filesystem::path& blobs_folder, BlobDigest digest,
                         uint64_t size_bytes)
    : path_(partial_path(blobs_folder, digest)),
      digest_(std::move(digest)),
      size_bytes_(size_bytes) {
  fd_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  struct stat status {};
  if (!fd_ || ::fstat(fd_.get(), &status) != 0) throw_errno(errno, "open", path_);
  if (!S_ISREG(status.st_mode)) throw_errno(EINVAL, "use", path_);
  if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw Error(ErrorCode::unavailable,
                fmt::format("another process is downloading {}", digest_.text()));
  }
  const auto old_bytes = static_cast<uint64_t>(status.st_size);
  was_there_ = old_bytes > 0 && old_bytes <= size_bytes_;
  const bool is_nonsense = old_bytes > size_bytes_;
  if ((is_nonsense && ::ftruncate(fd_.get(), 0) != 0) ||
      ::ftruncate(fd_.get(), static_cast<off_t>(size_bytes_)) != 0) {
    throw_errno(errno, "size", path_);
  }
}

void PartialFile::write(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno(errno, "write", path_);
    bytes = bytes.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
}

void PartialFile::read(uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t count = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw_errno(count == 0 ? EIO : errno, "read", path_);
    into = into.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
}

void PartialFile::sync() {
  if (::fdatasync(fd_.get()) != 0) throw_errno(errno, "sync", path_);
}

void PartialFile::begin_sync(ByteRange range) {
  ::sync_file_range(fd_.get(), static_cast<off64_t>(range.first),
                    static_cast<off64_t>(range.size()), SYNC_FILE_RANGE_WRITE);
}

StoredBlob PartialFile::publish(BlobStore& blobs) {
  if (::fchmod(fd_.get(), 0644) != 0 || ::fsync(fd_.get()) != 0) throw_errno(errno, "sync", path_);
  return blobs.publish_checked(path_, digest_, size_bytes_);
}

void PartialFile::remove() {
  ::unlink(path_.c_str());
}

std::string hash_range(const PartialFile& file, ByteRange range,
                       const std::function<void()>& check) {
  Sha256 hash;
  std::vector<std::byte> buffer(slice_bytes);
  while (range.first < range.end) {
    check();
    const auto slice =
        std::span(buffer).first(static_cast<size_t>(std::min<uint64_t>(slice_bytes, range.size())));
    file.read(range.first, slice);
    hash.update(slice);
    range.first += slice.size();
  }
  return hash.finish_hex();
}

}  // namespace hearth::registry
