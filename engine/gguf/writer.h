// Writing GGUF files (version 3, little-endian): metadata of every type, tensors, alignment.
// Offsets are computed from the declared tensors alone, so the data can be streamed afterwards, one
// tensor at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/gguf/value.h"
#include "engine/tensor/dtype.h"

namespace hearth::engine {

// The type a C++ number is written as.
template <typename T>
constexpr GgufType gguf_type_of() {
  static_assert(std::is_arithmetic_v<T>);
  if constexpr (std::is_same_v<T, bool>) return GgufType::boolean;
  if constexpr (std::is_floating_point_v<T>) return sizeof(T) == 4 ? GgufType::f32 : GgufType::f64;
  constexpr bool is_signed = std::is_signed_v<T>;
  if constexpr (sizeof(T) == 1) return is_signed ? GgufType::i8 : GgufType::u8;
  if constexpr (sizeof(T) == 2) return is_signed ? GgufType::i16 : GgufType::u16;
  if constexpr (sizeof(T) == 4) return is_signed ? GgufType::i32 : GgufType::u32;
  return is_signed ? GgufType::i64 : GgufType::u64;
}

// Collects what a file shall hold. Keys and tensors keep the order in which they were added. Wrong
// input (a key or a name twice, a name too long, a row that is no whole number of blocks) throws
// Error{invalid_argument}.
class GgufWriter {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T>
  void add(std::string_view key, T value) {
    add_encoded(key, gguf_type_of<T>(), std::as_bytes(std::span<const T, 1>(&value, 1)));
  }
  void add(std::string_view key, std::string_view text);
  // A copy of a value read elsewhere, with its type.
  void add(std::string_view key, const GgufValue& value);

  template <typename T>
  void add_array(std::string_view key, std::span<const T> values) {
    add_encoded_array(key, gguf_type_of<T>(), values.size(), std::as_bytes(values));
  }
  template <typename T>
  void add_array(std::string_view key, const std::vector<T>& values) {
    add_array(key, std::span<const T>(values));
  }
  void add_strings(std::string_view key, std::span<const std::string> texts);

  // Writes general.alignment; without it, or where that key is added as a value, files are aligned
  // to 32 or to that.
  void set_alignment(uint32_t alignment);

  // `shape` has 1 to 4 dimensions, the row length first. `data` is not copied and must stay valid
  // until the file is written; it may be left empty when the data is streamed with GgufStream.
  void add_tensor(std::string_view name, DType type, std::span<const int64_t> shape,
                  std::span<const std::byte> data = {});

  // Everything in front of the data, padded to the alignment.
  std::string header_bytes() const;
  // The whole file. These three need the data of every tensor.
  std::string file_bytes() const;
  void write(int fd, std::string_view what) const;
  void write(const std::filesystem::path& path) const;

 private:
  friend class GgufStream;
  struct PlannedTensor {
    std::string name;
    DType type;
    std::vector<int64_t> shape;
    std::span<const std::byte> data;
    uint64_t offset;
    uint64_t size_bytes;
  };

  void start_entry(std::string_view key, GgufType type);
  void add_encoded(std::string_view key, GgufType type, std::span<const std::byte> bytes);
  void add_encoded_array(std::string_view key, GgufType type, uint64_t count,
                         std::span<const std::byte> bytes);
  void use_alignment(int64_t alignment);
  void place_tensors();
  uint64_t padding_after(uint64_t size_bytes) const;

  std::string entries_;  // encoded
  std::set<std::string, std::less<>> keys_;
  std::set<std::string, std::less<>> tensor_names_;
  std::vector<PlannedTensor> tensors_;
  uint64_t alignment_ = 32;
};

// Writes the header at once and then takes the data of the tensors in the order of their
// declaration.
class GgufStream {
 public:
  // `writer` and the descriptor must outlive the stream; `what` names the file in messages.
  GgufStream(const GgufWriter& writer, int fd, std::string_view what);
  // The next tensor as a whole, padded. Throws Error{invalid_argument} when the size is not the
  // declared one.
  void write_tensor(std::span<const std::byte> data);
  // Throws Error{invalid_argument} when tensors are missing.
  void finish() const;

 private:
  const GgufWriter& writer_;
  int fd_;
  std::string what_;
  size_t written_ = 0;  // tensors
};

}  // namespace hearth::engine
