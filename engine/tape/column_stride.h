// How far rows of a buffer lie apart.
#pragma once

#include <cstdint>

namespace hearth::engine {

// A multiple of 64 bytes, and an odd one: kernels read many rows at the same place, which would
// otherwise compete for the same few sets of a cache.
constexpr int64_t column_stride(int64_t bytes) {
  return ((bytes + 63) / 64 | 1) * 64;
}

}  // namespace hearth::engine
