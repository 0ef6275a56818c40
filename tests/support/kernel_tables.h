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
            ::operator new (static_cast<size_t>(size), std::align_val_t{64}))) {}
  std::byte* data() { return data_.get(); }

 private:
  struct Delete {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<std::byte, Delete> data_;
};
