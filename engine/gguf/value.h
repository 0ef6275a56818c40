// One metadata value of a GGUF file: a view into the file's bytes with lenient readings of it.
// Files disagree about integer widths (u32, u64, i32 for the same key), so every integer reads as
// int64_t and a lone value reads as an array of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::engine {

// The values are the ids of the file format.
enum class GgufType : uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

// "u32", "string", ...; "unknown" for an id the format does not have.
std::string_view to_string(GgufType type);
// Bytes of one value of a fixed-size type; absent for string, array and unknown ids.
std::optional<int> size_bytes(GgufType type);

// A view: valid as long as the bytes it was read from. The bytes have been checked by whoever made
// it: lengths of strings lie inside `bytes`, booleans are 0 or 1, `bytes` holds exactly `count`
// elements.
class GgufValue {
 public:
  GgufValue() = default;
  // A scalar has count 1 and element type equal to its own type. `bytes` is the value as it lies in
  // the file: for a string and for the elements of a string array with the lengths in front, for an
  // array without its header.
  GgufValue(GgufType type, GgufType element_type, int64_t count, std::span<const std::byte> bytes)
      : type_(type), element_type_(element_type), count_(count), bytes_(bytes) {}

  GgufType type() const { return type_; }
  bool is_array() const { return type_ == GgufType::array; }
  GgufType element_type() const { return element_type_; }
  int64_t count() const { return count_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  // "u32", "array of string (32000)"; for messages.
  std::string type_name() const;

  // Absent when the value is something else. Integers: any integer type or boolean that fits
  // int64_t. Floats: any number. Booleans: boolean, or an integer that is 0 or 1. None of these
  // reads an array.
  std::optional<int64_t> as_int() const;
  std::optional<double> as_float() const;
  std::optional<bool> as_bool() const;
  std::optional<std::string_view> as_string() const;

  // The same for arrays; a scalar gives one element. Each call decodes anew, so keep the result.
  std::optional<std::vector<int64_t>> as_ints() const;
  std::optional<std::vector<double>> as_floats() const;
  std::optional<std::vector<bool>> as_bools() const;
  std::optional<std::vector<std::string_view>> as_strings() const;

 private:
  std::optional<int64_t> int_at(int64_t index) const;
  std::optional<double> float_at(int64_t index) const;

  GgufType type_ = GgufType::u8;
  GgufType element_type_ = GgufType::u8;
  int64_t count_ = 0;
  std::span<const std::byte> bytes_;
};

}  // namespace hearth::engine
