// A view of a tensor: type, shape and bytes it does not own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/tensor/dtype.h"

namespace hearth::engine {

// shape[0] is the row length and varies fastest, as in GGUF; unused dimensions are 1. A row is a
// whole number of blocks.
struct Tensor {
  DType type = DType::f32;
  std::array<int64_t, 4> shape = {0, 1, 1, 1};
  std::span<const std::byte> data;

  int64_t value_count() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
  int64_t row_count() const { return shape[1] * shape[2] * shape[3]; }
  int64_t bytes_per_row() const { return row_bytes(type, shape[0]); }
  // Row `index` of all rows, counted through the outer dimensions.
  std::span<const std::byte> row(int64_t index) const {
    const int64_t size = bytes_per_row();
    return data.subspan(static_cast<size_t>(index * size), static_cast<size_t>(size));
  }
};

}  // namespace hearth::engine
