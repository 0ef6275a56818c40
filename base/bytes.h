// Bounds-checked reading of untrusted little-endian bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace hearth {

// A cursor over bytes it does not own. Every read that would leave the span throws
// Error{corrupt_data} naming `what` and the offset; nothing is allocated before its length is known
// to be there.
class ByteReader {
 public:
  // `what` names the source in messages ("model.gguf"). Both must outlive the reader.
  ByteReader(std::span<const std::byte> bytes, std::string_view what)
      : bytes_(bytes), what_(what) {}

  size_t offset() const { return offset_; }
  size_t remaining() const { return bytes_.size() - offset_; }

  template <typename T>
  T read(std::string_view field) {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, take(sizeof(T), field).data(), sizeof(T));
    return value;
  }

  // The next `count` bytes, as a view into the source.
  std::span<const std::byte> take(uint64_t count, std::string_view field);
  // A u64 length followed by that many bytes.
  std::string_view read_string(std::string_view field, uint64_t length_max);

 private:
  [[noreturn]] void fail(uint64_t count, std::string_view field) const;

  std::span<const std::byte> bytes_;
  std::string_view what_;
  size_t offset_ = 0;
};

}  // namespace hearth
