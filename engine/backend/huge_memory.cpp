#include "engine/backend/huge_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace hearth::engine {
namespace {

constexpr size_t huge_page_bytes = size_t{2} << 20;
constexpr int64_t bytes_max = int64_t{1} << 46;

size_t round_up(size_t value) {
  return (value + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
}

}  // namespace

HugeMemory::HugeMemory(int64_t size_bytes, const char* what) {
  if (size_bytes <= 0) return;
  size_ = round_up(static_cast<size_t>(size_bytes));
  // Mappings begin anywhere: one page more, and what is too much goes back.
  void* address = MAP_FAILED;
  errno = ENOMEM;
  if (size_bytes <= bytes_max) {
    address = ::mmap(nullptr, size_ + huge_page_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  if (address == MAP_FAILED) {
    size_ = 0;
    throw Error(ErrorCode::out_of_memory, fmt::format("no memory for {}: {} bytes: {}", what,
                                                      size_bytes, std::strerror(errno)));
  }
  auto* begin = static_cast<std::byte*>(address);
  const size_t skipped =
      round_up(reinterpret_cast<uintptr_t>(begin)) - reinterpret_cast<uintptr_t>(begin);
  if (skipped > 0) ::munmap(begin, skipped);
  data_ = begin + skipped;
  if (skipped < huge_page_bytes) ::munmap(data_ + size_, huge_page_bytes - skipped);
  ::madvise(data_, size_, MADV_HUGEPAGE);  // small pages do as well
}

HugeMemory::~HugeMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace hearth::engine
