// For kernel tests: all tables this machine can run, and memory aligned as kernels want it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "engine/kernels/kernels.h"

inline std::vector<const hearth::engine::KernelTable*> tables() {
  const hearth::engine::KernelTables available = hearth::engine::available_kernels();
  return {available.tables, available.tables + available.count};
}

// 64-byte aligned, exact in size so that AddressSanitizer sees every step beyond it.
class AlignedBytes {
 public:
  explicit AlignedBytes(int64_t size)
      : data_(static_cast<std::byte*>(
            ::operator new (static_cast<size_t>(size), std::align_val_t{64}))),
        size_(size) {}
  std::byte* data() const { return data_.get(); }
  int64_t size() const { return size_; }

 private:
  struct Delete {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<std::byte, Delete> data_;
  int64_t size_;
};
