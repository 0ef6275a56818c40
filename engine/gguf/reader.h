// Reading GGUF files (versions 2 and 3, little-endian), including files split into shards.
// Nothing in a file is trusted: lengths are checked against the bytes that are there before
// anything is allocated, and whatever is wrong becomes one line of Error{corrupt_data |
// unsupported} naming the place. The work is O(n log n) in the number of keys and tensors whatever
// the file says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "engine/gguf/metadata.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/tensor.h"

namespace hearth::engine {

// One tensor of a file. shape[0] is the row length (fastest); unused dimensions are 1. `data` is
// the whole tensor in the mapping and aligned to at least 8 bytes; it is empty where only a header
// was parsed.
struct TensorInfo {
  std::string_view name;
  DType type = DType::f32;
  std::array<int64_t, 4> shape = {1, 1, 1, 1};
  int dimension_count = 1;
  std::span<const std::byte> data;
  int shard = 0;
  uint64_t offset = 0;  // from the start of the shard's data part
  int64_t size_bytes = 0;

  Tensor tensor() const { return {type, shape, data}; }
  int64_t value_count() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
};

// What stands before the data of one file. Views into the bytes it was parsed from.
struct GgufHeader {
  uint32_t version = 0;
  uint64_t alignment = 32;
  uint64_t data_offset = 0;  // of the data part in the file
  GgufMetadata metadata;
  std::vector<TensorInfo> tensors;  // in the order of the file, `data` empty

  // `bytes` may end after the header (the first part of a download); tensors are then not compared
  // with the file's size.
  static GgufHeader parse(std::span<const std::byte> bytes, std::string_view what);
};

// Owns the mapping of all shards. Moves, never copies; views stay valid when it moves. Reading from
// several threads is fine. The files must not shrink while mapped.
class GgufFile {
 public:
  // Given "name-00001-of-0000N.gguf", opens its N shards; any other shard is
  // Error{invalid_argument} naming the first.
  static GgufFile open(const std::filesystem::path& path);
  // Descriptors of all shards in order; they may be closed afterwards. `what` names the file in
  // messages.
  static GgufFile from_fds(std::span<const int> fds, std::string_view what);

  const std::string& what() const { return metadata().what(); }
  uint32_t version() const { return first_.version; }
  uint64_t alignment() const { return first_.alignment; }
  // Of shard 1, which has all keys.
  const GgufMetadata& metadata() const { return first_.metadata; }
  // Of all shards, in order.
  std::span<const TensorInfo> tensors() const { return tensors_; }
  const TensorInfo* find_tensor(std::string_view name) const;
  int shard_count() const { return static_cast<int>(shards_.size()); }
  uint64_t file_size_bytes() const;  // of all shards together
  // Copies `mapped`, which is part of a tensor's data, from the file without touching the mapping.
  // Any number of threads. Throws as MappedFile::read.
  void read(std::span<const std::byte> mapped, std::byte* out) const;
  // Lets the system forget what it keeps of `mapped` in memory.
  void forget(std::span<const std::byte> mapped) const;

 private:
  static GgufFile from_mappings(std::vector<MappedFile> shards, std::string_view what);
  void add_shard(GgufHeader header, int shard, std::string_view what);
  void index_tensors();
  const MappedFile& shard_of(std::span<const std::byte> mapped) const;

  std::vector<MappedFile> shards_;
  GgufHeader first_;
  std::vector<TensorInfo> tensors_;
  std::vector<uint32_t> by_name_;  // indices of tensors_, sorted by name
};

}  // namespace hearth::engine
