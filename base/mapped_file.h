// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/file.h"

namespace hearth {

// Owns the mapping, not the descriptor. Moves, never copies. An empty file gives an empty span.
class MappedFile {
 public:
  // Throws Error{not_found | forbidden | internal} naming the path.
  static MappedFile open(const std::filesystem::path& path);
  // Maps a descriptor somebody else opened; `what` names it in messages.
  static MappedFile from_fd(int fd, std::string_view what);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hearth
