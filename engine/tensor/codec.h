// Blocks of every tensor type to float32 and back, in plain C++: the definition all kernels are
// tested against. A type is one row of a table (codec.cpp), a family of types one source file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/tensor/dtype.h"

namespace hearth::engine {

// What one type can do. `count` values are a whole number of blocks; pointers need no alignment on
// the block side. `encode` needs finite values for the quantised types and is nullptr for types
// that are only read.
struct Codec {
  DType type;
  void (*decode)(const std::byte* blocks, float* values, int64_t count);
  void (*encode)(const float* values, std::byte* blocks, int64_t count);
};

// `type` is a row of dtype_table.
const Codec& codec_of(DType type);

// `values.size()` is a whole number of blocks and `blocks` has exactly their size. Throws
// Error{unsupported} when encoding to a type that is only read, and
// Error{invalid_argument} for a value that is not finite (quantised types only). The error of
// encoding is the smallest a search over scales finds (scale_search.h), values weighted by their
// size; it takes a second per 30 to 150 MB of floats.
void decode(DType type, std::span<const std::byte> blocks, std::span<float> values);
void encode(DType type, std::span<const float> values, std::span<std::byte> blocks);

// Everything from one descriptor, converted, to another: `hearth-runner codec`. Throws as above,
// and Error{invalid_argument} when the input ends inside a block or a float.
void decode_stream(DType type, int in_fd, int out_fd);
void encode_stream(DType type, int in_fd, int out_fd);

}  // namespace hearth::engine
