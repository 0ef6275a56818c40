#include "engine/gguf/value.h"

#include <fmt/format.h>

#include <cstring>

namespace hearth::engine {
namespace {

struct TypeRow {
  GgufType type;
  std::string_view name;
  int size_bytes;  // 0: varies
};

constexpr TypeRow type_table[] = {
    {GgufType::u8, "u8", 1},       {GgufType::i8, "i8", 1},        {GgufType::u16, "u16", 2},
    {GgufType::i16, "i16", 2},     {GgufType::u32, "u32", 4},      {GgufType::i32, "i32", 4},
    {GgufType::f32, "f32", 4},     {GgufType::boolean, "bool", 1}, {GgufType::string, "string", 0},
    {GgufType::array, "array", 0}, {GgufType::u64, "u64", 8},      {GgufType::i64, "i64", 8},
    {GgufType::f64, "f64", 8},
};

template <typename T>
T load(const std::byte* source) {
  T value;
  std::memcpy(&value, source, sizeof(T));
  return value;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The string whose length stands at `offset`; moves `offset` behind it.
std::string_view next_string(std::span<const std::byte> bytes, size_t& offset) {
  const auto length = static_cast<size_t>(load<uint64_t>(bytes.data() + offset));
  const auto text = as_text(bytes.subspan(offset + sizeof(uint64_t), length));
  offset += sizeof(uint64_t) + length;
  return text;
}

std::optional<bool> bool_from(std::optional<int64_t> value) {
  if (!value || *value < 0 || *value > 1) return std::nullopt;
  return *value == 1;
}

}  // namespace

std::string_view to_string(GgufType type) {
  const auto id = static_cast<uint32_t>(type);
  return id < std::size(type_table) ? type_table[id].name : "unknown";
}

std::optional<int> size_bytes(GgufType type) {
  const auto id = static_cast<uint32_t>(type);
  if (id >= std::size(type_table) || type_table[id].size_bytes == 0) return std::nullopt;
  return type_table[id].size_bytes;
}

std::string GgufValue::type_name() const {
  if (!is_array()) return std::string(to_string(type_));
  return fmt::format("array of {} ({})", to_string(element_type_), count_);
}

std::optional<int64_t> GgufValue::int_at(int64_t index) const {
  const auto at = [&]<typename T>(T) {
    return load<T>(bytes_.data() + static_cast<size_t>(index) * sizeof(T));
  };
  switch (element_type_) {
    case GgufType::u8:
    case GgufType::boolean:
      return at(uint8_t{});
    case GgufType::i8:
      return at(int8_t{});
    case GgufType::u16:
      return at(uint16_t{});
    case GgufType::i16:
      return at(int16_t{});
    case GgufType::u32:
      return at(uint32_t{});
    case GgufType::i32:
      return at(int32_t{});
    case GgufType::i64:
      return at(int64_t{});
    case GgufType::u64: {
      const uint64_t value = at(uint64_t{});
      if (value > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
      return static_cast<int64_t>(value);
    }
    default:
      return std::nullopt;
  }
}

std::optional<double> GgufValue::float_at(int64_t index) const {
  const std::byte* base = bytes_.data();
  const auto position = static_cast<size_t>(index);
  if (element_type_ == GgufType::f32) return load<float>(base + position * sizeof(float));
  if (element_type_ == GgufType::f64) return load<double>(base + position * sizeof(double));
  if (element_type_ == GgufType::boolean) return std::nullopt;
  const auto integer = int_at(index);
  if (!integer) return std::nullopt;
  return static_cast<double>(*integer);
}

std::optional<int64_t> GgufValue::as_int() const {
  return is_array() || count_ == 0 ? std::nullopt : int_at(0);
}

std::optional<double> GgufValue::as_float() const {
  return is_array() || count_ == 0 ? std::nullopt : float_at(0);
}

std::optional<bool> GgufValue::as_bool() const {
  return bool_from(as_int());
}

std::optional<std::string_view> GgufValue::as_string() const {
  if (type_ != GgufType::string) return std::nullopt;
  size_t offset = 0;
  return next_string(bytes_, offset);
}

std::optional<std::vector<int64_t>> GgufValue::as_ints() const {
  std::vector<int64_t> values;
  values.reserve(static_cast<size_t>(count_));
  for (int64_t i = 0; i < count_; ++i) {
    const auto value = int_at(i);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

std::optional<std::vector<double>> GgufValue::as_floats() const {
  std::vector<double> values;
  values.reserve(static_cast<size_t>(count_));
  for (int64_t i = 0; i < count_; ++i) {
    const auto value = float_at(i);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

std::optional<std::vector<bool>> GgufValue::as_bools() const {
  std::vector<bool> values;
  values.reserve(static_cast<size_t>(count_));
  for (int64_t i = 0; i < count_; ++i) {
    const auto value = bool_from(int_at(i));
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

std::optional<std::vector<std::string_view>> GgufValue::as_strings() const {
  if (element_type_ != GgufType::string) return std::nullopt;
  std::vector<std::string_view> values;
  values.reserve(static_cast<size_t>(count_));
  size_t offset = 0;
  for (int64_t i = 0; i < count_; ++i) values.push_back(next_string(bytes_, offset));
  return values;
}

}  // namespace hearth::engine
