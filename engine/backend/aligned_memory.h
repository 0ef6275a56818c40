// Memory the backend owns, aligned for the kernels and not touched before it is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace hearth::engine {

class AlignedMemory {
 public:
  AlignedMemory() = default;
  // Throws Error{out_of_memory} naming `what`.
  AlignedMemory(int64_t size_bytes, const char* what);
  std::byte* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(std::byte* data) const;
  };
  std::unique_ptr<std::byte, Free> data_;
};

}  // namespace hearth::engine
