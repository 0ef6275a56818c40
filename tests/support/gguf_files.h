// Small GGUF files in memory, for tests that read them.
#pragma once

#include <sys/mman.h>

#include <string>
#include <string_view>

#include "base/file.h"
#include "engine/gguf/reader.h"

namespace hearth::testing {

// An unnamed file with this content.
inline UniqueFd memory_file(std::string_view content) {
  UniqueFd fd(::memfd_create("hearth_test", MFD_CLOEXEC));
  write_all(fd.get(), std::as_bytes(std::span(content)), "memory file");
  return fd;
}

inline engine::GgufFile open_gguf(std::string_view content, std::string_view what = "test.gguf") {
  const UniqueFd fd = memory_file(content);
  const int fds[] = {fd.get()};
  return engine::GgufFile::from_fds(fds, what);
}

}  // namespace hearth::testing
