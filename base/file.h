// Files: owned descriptors, whole reads, and writes that are either complete or not there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace hearth {

// Owns a file descriptor. Moves, never copies. -1 means none.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

// Opens for reading. Throws Error{not_found | forbidden | internal} with the path and the system's
// reason.
UniqueFd open_for_reading(const std::filesystem::path& path);
// The whole file. Throws as open_for_reading, and Error{corrupt_data} above `size_max_bytes`.
std::string read_file(const std::filesystem::path& path, size_t size_max_bytes = size_t{64} << 20);
// Up to buffer.size() bytes from the current position; 0 at the end of the file. Throws as
// open_for_reading.
size_t read_some(int fd, std::span<std::byte> buffer, std::string_view what);
// Writes everything or throws Error{out_of_memory} (disk full) or {internal}.
void write_all(int fd, std::span<const std::byte> bytes, std::string_view what);
// Temp file beside the target, fsync, rename, fsync of the folder: readers see the old file or the
// new one. What a crash leaves behind has a name that begins with unfinished_prefix.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);
inline constexpr std::string_view unfinished_prefix = ".hearth-tmp-";
void fsync_folder(const std::filesystem::path& folder);
// Makes what is missing of `folder`, so that it is there after a loss of power too. Throws
// Error{forbidden | out_of_memory | internal} naming it.
void make_folders(const std::filesystem::path& folder);

}  // namespace hearth
