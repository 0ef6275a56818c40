// A file mapped read-only into memory, which can be read without the mapping too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "base/file.h"

namespace hearth {

// Owns the mapping and a descriptor of its own. Moves, never copies. An empty file gives an empty
// span.
class MappedFile {
 public:
  // Throws Error{not_found | forbidden | internal} naming the path.
  static MappedFile open(const std::filesystem::path& path);
  // Maps a descriptor somebody else opened and may close; `what` names it in messages.
  static MappedFile from_fd(int fd, std::string_view what);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  // Copies into `out` from `offset` on without touching the mapping, so that no page of it becomes
  // resident, and a disk that fails is an error and no signal. Any number of threads. Throws
  // Error{internal}, or {corrupt_data} where the file ends early, naming `what` and the place.
  void read(uint64_t offset, std::span<std::byte> out, std::string_view what) const;
  // Lets the system forget what it keeps of this part of the file in memory.
  void forget(uint64_t offset, size_t size) const noexcept;

 private:
  UniqueFd fd_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hearth
