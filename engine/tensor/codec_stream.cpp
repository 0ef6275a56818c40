// The codec between two descriptors, a megabyte of values at a time.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "engine/tensor/codec.h"

namespace hearth::engine {
namespace {

constexpr int64_t chunk_values = int64_t{1} << 18;  // a multiple of every block size

// Fills `buffer` unless the input ends; the number of bytes read.
size_t read_up_to(int fd, std::span<std::byte> buffer) {
  size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t count = ::read(fd, buffer.data() + size, buffer.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw Error(ErrorCode::internal,
                  fmt::format("cannot read the input: {}", std::strerror(errno)));
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  return size;
}

}  // namespace

void decode_stream(DType type, int in_fd, int out_fd) {
  const DTypeInfo& row = info(type);
  std::vector<std::byte> blocks(static_cast<size_t>(row_bytes(type, chunk_values)));
  std::vector<float> values;
  for (bool is_last = false; !is_last;) {
    const size_t size = read_up_to(in_fd, blocks);
    is_last = size < blocks.size();
    const auto block_bytes = static_cast<size_t>(row.block_bytes);
    if (size % block_bytes != 0) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("the input ends {} bytes into a block of {} bytes of {}",
                              size % block_bytes, block_bytes, row.name));
    }
    values.resize(size / block_bytes * static_cast<size_t>(row.block_values));
    decode(type, std::span(blocks).first(size), values);
    write_all(out_fd, std::as_bytes(std::span(values)), "the output");
  }
}

void encode_stream(DType type, int in_fd, int out_fd) {
  const DTypeInfo& row = info(type);
  std::vector<float> values(static_cast<size_t>(chunk_values));
  std::vector<std::byte> blocks;
  for (bool is_last = false; !is_last;) {
    const size_t size = read_up_to(in_fd, std::as_writable_bytes(std::span(values)));
    is_last = size < values.size() * sizeof(float);
    const size_t block_floats_bytes = static_cast<size_t>(row.block_values) * sizeof(float);
    if (size % block_floats_bytes != 0) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("the input ends {} bytes into the {} floats of a block of {}",
                              size % block_floats_bytes, row.block_values, row.name));
    }
    const size_t count = size / sizeof(float);
    blocks.resize(static_cast<size_t>(row_bytes(type, static_cast<int64_t>(count))));
    encode(type, std::span(values).first(count), blocks);
    write_all(out_fd, std::as_bytes(std::span(blocks)), "the output");
  }
}

}  // namespace hearth::engine
