// Memory for weights: zeroed, at a multiple of 2 MiB, in pages of that size where the system gives
// them. Reading it in order then misses the page tables 512 times less often.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace hearth::engine {

// Moves, never copies. Pages become resident when they are first written, on the node of the thread
// that does.
class HugeMemory {
 public:
  HugeMemory() = default;
  // Throws Error{out_of_memory} naming `what`.
  HugeMemory(int64_t size_bytes, const char* what);
  HugeMemory(HugeMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  HugeMemory& operator=(HugeMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~HugeMemory();

  std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hearth::engine
