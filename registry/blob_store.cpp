#include "registry/blob_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/log.h"
#include "registry/file_description.h"

namespace hearth::registry {
namespace {

constexpr size_t holds_max = 64;  // per blob: whoever asks for ever needs no memory for ever
constexpr size_t chunk_bytes = size_t{4} << 20;

[[noreturn]] void throw_errno(int number, std::string_view doing, std::string_view what) {
  ErrorCode code = ErrorCode::internal;
  if (number == ENOENT || number == ENOTDIR) code = ErrorCode::not_found;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::forbidden;
  if (number == ENOSPC || number == EDQUOT || number == ENOMEM) code = ErrorCode::out_of_memory;
  throw Error(code, fmt::format("{} {}: {}", doing, what, std::strerror(number)));
}

struct Temporary {
  std::filesystem::path path;
  UniqueFd fd;
};

// A locked file of a name nobody uses. The lock says "somebody lives who writes this" to a process
// that cleans up; one that cleaned up between our open and our lock has unlinked the file, so we
// look again.
Temporary make_temporary(const std::filesystem::path& folder) {
  for (;;) {
    std::string path = (folder / fmt::format("{}XXXXXX", BlobStore::temporary_prefix)).string();
    UniqueFd fd(::mkostemp(path.data(), O_CLOEXEC));
    if (!fd) throw_errno(errno, "cannot create a file in", folder.string());
    struct stat status {};
    const bool is_ours = ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 &&
                         ::fstat(fd.get(), &status) == 0 && status.st_nlink > 0;
    if (is_ours) return {path, std::move(fd)};
  }
}

struct SourceFile {
  UniqueFd fd;
  uint64_t size_bytes;
};

// O_NONBLOCK: opening a pipe that nobody writes must not hang.
SourceFile open_regular_file(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw_errno(errno, "cannot open", file.string());
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno(errno, "cannot read", file.string());
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} is not a regular file", file.string()));
  }
  return {std::move(fd), static_cast<uint64_t>(status.st_size)};
}

void check_absolute(const std::filesystem::path& file) {
  if (file.is_absolute()) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{} is not an absolute path", file.string()));
}

}  // namespace

struct BlobStore::Pins {
  using Clock = std::chrono::steady_clock;

  // With the lock held.
  bool is_kept(const BlobDigest& digest) {
    const auto found = holds.find(digest);
    if (found != holds.end()) {
      std::erase_if(found->second, [now = Clock::now()](auto end) { return end <= now; });
      if (found->second.empty()) holds.erase(found);
    }
    return counts.contains(digest) || holds.contains(digest);
  }

  std::mutex mutex;
  std::map<BlobDigest, int> counts;
  std::map<BlobDigest, std::vector<Clock::time_point>> holds;  // when each ends
};

BlobPin::BlobPin(BlobPin&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)), digest_(std::move(other.digest_)) {}

BlobPin& BlobPin::operator=(BlobPin&& other) noexcept {
  std::swap(store_, other.store_);
  std::swap(digest_, other.digest_);
  return *this;
}

BlobPin::~BlobPin() {
  if (store_) store_->unpin(*digest_);
}

BlobWriter::BlobWriter(BlobStore& store) : store_(&store) {
  Temporary temporary = make_temporary(store.folder_);
  temporary_path_ = std::move(temporary.path);
  fd_ = std::move(temporary.fd);
}

BlobWriter::BlobWriter(BlobWriter&& other) noexcept
    : store_(other.store_),
      temporary_path_(std::exchange(other.temporary_path_, {})),
      fd_(std::move(other.fd_)),
      hash_(std::move(other.hash_)),
      size_bytes_(other.size_bytes_) {}

BlobWriter::~BlobWriter() {
  if (!temporary_path_.empty()) ::unlink(temporary_path_.c_str());
}

void BlobWriter::append(std::span<const std::byte> bytes) {
  HEARTH_CHECK(fd_);
  write_all(fd_.get(), bytes, "a blob");
  hash_.update(bytes);
  size_bytes_ += bytes.size();
}

StoredBlob BlobWriter::commit(const std::optional<BlobDigest>& expected) {
  HEARTH_CHECK(fd_);
  const BlobDigest digest = BlobDigest::from_hex(hash_.finish_hex());
  if (expected && *expected != digest) {
    throw Error(ErrorCode::invalid_argument, fmt::format("digest mismatch: expected {}, got {}",
                                                         expected->text(), digest.text()));
  }
  if (::fchmod(fd_.get(), 0644) != 0 || ::fsync(fd_.get()) != 0)
    throw_errno(errno, "cannot sync", "a blob");
  StoredBlob blob = store_->publish(temporary_path_, digest, size_bytes_);
  temporary_path_.clear();
  fd_.reset();
  return blob;
}

StoredBlob BlobWriter::commit_written() {
  HEARTH_CHECK(fd_);
  if (::lseek(fd_.get(), 0, SEEK_SET) != 0) throw_errno(errno, "cannot read", "a blob");
  hash_ = Sha256();
  size_bytes_ = 0;
  std::vector<std::byte> buffer(chunk_bytes);
  while (const size_t count = read_some(fd_.get(), buffer, "a blob")) {
    hash_.update(std::span<const std::byte>(buffer).first(count));
    size_bytes_ += count;
  }
  return commit();
}

BlobStore::BlobStore(std::filesystem::path root)
    : folder_(root / "blobs"), pins_(std::make_unique<Pins>()) {
  make_folders(folder_);
  remove_stale_temporaries();
}

BlobStore::~BlobStore() = default;

void BlobStore::remove_stale_temporaries() const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (!entry.path().filename().string().starts_with(temporary_prefix)) continue;
    UniqueFd fd(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) continue;
    if (::unlink(entry.path().c_str()) == 0) {
      log::info(fmt::format("removed the unfinished blob {}", entry.path().filename().string()));
    }
  }
}

void BlobStore::add_readonly_folder(std::filesystem::path blobs_folder) {
  readonly_folders_.push_back(std::move(blobs_folder));
}

std::filesystem::path BlobStore::own_path(const BlobDigest& digest) const {
  return folder_ / digest.file_name();
}

std::filesystem::path BlobStore::path(const BlobDigest& digest) const {
  std::filesystem::path own = own_path(digest);
  std::error_code problem;
  if (readonly_folders_.empty() || std::filesystem::exists(own, problem)) return own;
  for (const std::filesystem::path& folder : readonly_folders_) {
    std::filesystem::path other = folder / digest.file_name();
    if (std::filesystem::is_regular_file(other, problem)) return other;
  }
  return own;
}

bool BlobStore::has(const BlobDigest& digest) const {
  return size(digest).has_value();
}

std::optional<uint64_t> BlobStore::size(const BlobDigest& digest) const {
  struct stat status {};
  if (::stat(path(digest).c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<uint64_t>(status.st_size);
}

UniqueFd BlobStore::open(const BlobDigest& digest) const {
  UniqueFd fd(::open(path(digest).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw_errno(errno, "cannot open the blob", digest.text());
  return fd;
}

std::string BlobStore::read(const BlobDigest& digest, uint64_t size_max_bytes) const {
  const UniqueFd fd = open(digest);
  std::string content;
  std::vector<std::byte> buffer(65536);
  while (const size_t count = read_some(fd.get(), buffer, digest.text())) {
    for (size_t i = 0; i < count; ++i) content.push_back(static_cast<char>(buffer[i]));
    if (content.size() > size_max_bytes) {
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("blob {} is larger than the {} bytes allowed for its kind",
                              digest.text(), size_max_bytes));
    }
  }
  return content;
}

BlobWriter BlobStore::begin_write() {
  return BlobWriter(*this);
}

StoredBlob BlobStore::write(std::string_view content) {
  BlobWriter writer = begin_write();
  writer.append(content);
  return writer.commit();
}

StoredBlob BlobStore::import_file(const std::filesystem::path& file,
                                  const ImportProgress& progress) {
  const SourceFile source = open_regular_file(file);
  BlobWriter writer = begin_write();
  // A file system that can share extents makes the copy for nothing; the hash is then taken of our
  // copy.
  const bool is_cloned = ::ioctl(writer.fd_.get(), FICLONE, source.fd.get()) == 0;
  const int input = is_cloned ? writer.fd_.get() : source.fd.get();
  std::vector<std::byte> buffer(chunk_bytes);
  while (const size_t count = read_some(input, buffer, file.string())) {
    const auto bytes = std::span<const std::byte>(buffer).first(count);
    if (!is_cloned) write_all(writer.fd_.get(), bytes, "a blob");
    writer.hash_.update(bytes);
    writer.size_bytes_ += count;
    if (progress) progress(writer.size_bytes_, source.size_bytes);
  }
  if (writer.size_bytes_ != source.size_bytes) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} changed while it was copied: {} bytes at the start, {} read",
                            file.string(), source.size_bytes, writer.size_bytes_));
  }
  return writer.commit();
}

StoredBlob BlobStore::link(const BlobDigest& digest, const std::filesystem::path& file,
                           uint64_t size_bytes) {
  BlobPin held = pin(digest);
  struct stat status {};
  const bool is_there = ::stat(own_path(digest).c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
                        static_cast<uint64_t>(status.st_size) == size_bytes;
  std::error_code error;
  const std::filesystem::path old_target = std::filesystem::read_symlink(own_path(digest), error);
  const bool is_new = !is_there || (!error && old_target != file);
  if (is_new) {
    // Under another name first: what is there now may be a link to nowhere, or to another place.
    const std::filesystem::path temporary =
        folder_ / fmt::format("{}link-{}", temporary_prefix, digest.hex());
    ::unlink(temporary.c_str());
    if (::symlink(file.c_str(), temporary.c_str()) != 0 ||
        ::rename(temporary.c_str(), own_path(digest).c_str()) != 0) {
      throw_errno(errno, "cannot link", file.string());
    }
    fsync_folder(folder_);
  }
  return {digest, size_bytes, is_new, std::move(held)};
}

StoredBlob BlobStore::link_file(const std::filesystem::path& file, const ImportProgress& progress) {
  check_absolute(file);
  const SourceFile source = open_regular_file(file);
  Sha256 hash;
  uint64_t size_bytes = 0;
  std::vector<std::byte> buffer(chunk_bytes);
  while (const size_t count = read_some(source.fd.get(), buffer, file.string())) {
    hash.update(std::span<const std::byte>(buffer).first(count));
    size_bytes += count;
    if (progress) progress(size_bytes, source.size_bytes);
  }
  return link(BlobDigest::from_hex(hash.finish_hex()), file, size_bytes);
}

StoredBlob BlobStore::link_unread_file(const std::filesystem::path& file) {
  check_absolute(file);
  const FileDescription description = describe_file(file);
  return link(description.digest, file, description.size_bytes);
}

StoredBlob BlobStore::link_known_file(const BlobDigest& digest, const std::filesystem::path& file) {
  check_absolute(file);
  return link(digest, file, open_regular_file(file).size_bytes);
}

// A second name needs no look at the content: it was checked when the other store made the blob,
// and is the same file still.
StoredBlob BlobStore::adopt(const BlobDigest& digest) {
  BlobPin held = pin(digest);
  const std::filesystem::path source = path(digest);
  const std::optional<uint64_t> bytes = size(digest);
  if (!bytes) throw_errno(ENOENT, "cannot open the blob", digest.text());
  if (source == own_path(digest)) return {digest, *bytes, false, std::move(held)};
  if (::link(source.c_str(), own_path(digest).c_str()) == 0) {
    fsync_folder(folder_);
    return {digest, *bytes, true, std::move(held)};
  }
  StoredBlob copy = import_file(source);
  if (copy.digest == digest) return copy;
  throw Error(ErrorCode::corrupt_data, fmt::format("blob {} of another store has the content of {}",
                                                   digest.text(), copy.digest.text()));
}

StoredBlob BlobStore::publish(const std::filesystem::path& temporary_path, BlobDigest digest,
                              uint64_t size_bytes) {
  BlobPin held = pin(digest);
  const std::filesystem::path target = own_path(digest);
  struct stat status {};
  const bool is_new = ::stat(target.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
                      static_cast<uint64_t>(status.st_size) != size_bytes;
  if (is_new) {
    if (::rename(temporary_path.c_str(), target.c_str()) != 0) {
      throw_errno(errno, "cannot rename to the blob", digest.text());
    }
    fsync_folder(folder_);
  } else {
    ::unlink(temporary_path.c_str());
    // A fresh date protects the blob from a program that prunes by age.
    ::utimensat(AT_FDCWD, target.c_str(), nullptr, 0);
  }
  return {std::move(digest), size_bytes, is_new, std::move(held)};
}

BlobPin BlobStore::pin(const BlobDigest& digest) {
  std::lock_guard lock(pins_->mutex);
  ++pins_->counts[digest];
  return BlobPin(this, digest);
}

void BlobStore::unpin(const BlobDigest& digest) {
  std::lock_guard lock(pins_->mutex);
  const auto found = pins_->counts.find(digest);
  if (--found->second == 0) pins_->counts.erase(found);
}

bool BlobStore::hold(const BlobDigest& digest, std::chrono::seconds duration) {
  // As in remove_unless_pinned: the blob is there and stays, or is not there.
  std::lock_guard lock(pins_->mutex);
  if (!has(digest)) return false;
  auto& ends = pins_->holds[digest];
  if (ends.size() >= holds_max) ends.erase(ends.begin());
  ends.push_back(Pins::Clock::now() + duration);
  return true;
}

void BlobStore::release(const BlobDigest& digest) {
  std::lock_guard lock(pins_->mutex);
  const auto found = pins_->holds.find(digest);
  if (found == pins_->holds.end()) return;
  found->second.erase(found->second.begin());
  if (found->second.empty()) pins_->holds.erase(found);
}

bool BlobStore::is_kept(const BlobDigest& digest) const {
  std::lock_guard lock(pins_->mutex);
  return pins_->is_kept(digest);
}

bool BlobStore::remove_unless_pinned(const BlobDigest& digest) {
  // The file goes while the lock is held: a pin taken afterwards finds the blob gone, never about
  // to go.
  std::lock_guard lock(pins_->mutex);
  if (pins_->is_kept(digest)) return false;
  if (::unlink(own_path(digest).c_str()) != 0 && errno != ENOENT) {
    throw_errno(errno, "cannot remove the blob", digest.text());
  }
  return true;
}

}  // namespace hearth::registry
