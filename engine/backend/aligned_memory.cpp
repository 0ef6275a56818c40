#include "engine/backend/aligned_memory.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/error.h"

namespace hearth::engine {
namespace {

constexpr int64_t alignment = 64;

}  // namespace

AlignedMemory::AlignedMemory(int64_t size_bytes, const char* what) {
  const auto size = static_cast<size_t>((std::max(size_bytes, int64_t{1}) + alignment - 1) /
                                        alignment * alignment);
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, size)));
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
