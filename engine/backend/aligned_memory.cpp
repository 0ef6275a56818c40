#include "engine/backend/aligned_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/error.h"

namespace hearth::engine {
namespace {

constexpr int64_t line_bytes = 64;
constexpr int64_t huge_page_bytes = 2 << 20;

}  // namespace

AlignedMemory::AlignedMemory(int64_t size_bytes, const char* what) {
  // Kernels walk through many rows at once: with small pages they would wait for addresses.
  const bool is_huge = size_bytes >= huge_page_bytes;
  const int64_t alignment = is_huge ? huge_page_bytes : line_bytes;
  const auto size = static_cast<size_t>((std::max(size_bytes, int64_t{1}) + alignment - 1) /
                                        alignment * alignment);
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(static_cast<size_t>(alignment), size)));
  // A hint: what the system does not give is lost speed only.
  if (data_ != nullptr && is_huge) ::madvise(data_.get(), size, MADV_HUGEPAGE);
  if (data_ == nullptr) {
    throw Error(ErrorCode::out_of_memory, std::string("no memory for ") + what + ": " +
                                              std::to_string(size) +
                                              " bytes; ask for a smaller step or free some");
  }
}

void AlignedMemory::Free::operator()(std::byte* data) const {
  std::free(data);
}

}  // namespace hearth::engine
