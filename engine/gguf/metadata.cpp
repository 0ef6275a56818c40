#include "engine/gguf/metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace hearth::engine {
namespace {

constexpr int64_t layer_count_max = 65536;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::corrupt_data, message);
}

}  // namespace

std::string printable(std::string_view text) {
  constexpr size_t length_max = 96;
  std::string result;
  for (const char c : text.substr(0, length_max)) {
    if (c >= ' ' && c <= '~') {
      result += c;
    } else {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  if (text.size() > length_max) result += "...";
  return result;
}

GgufMetadata::GgufMetadata(std::string what, std::vector<Entry> entries)
    : what_(std::move(what)), entries_(std::move(entries)), by_key_(entries_.size()) {
  std::iota(by_key_.begin(), by_key_.end(), 0u);
  std::sort(by_key_.begin(), by_key_.end(),
            [this](uint32_t a, uint32_t b) { return entries_[a].key < entries_[b].key; });
  for (size_t i = 0; i < by_key_.size(); ++i) {
    const std::string_view key = entries_[by_key_[i]].key;
    if (key.empty()) fail(fmt::format("{}: metadata has an empty key", what_));
    if (i > 0 && key == entries_[by_key_[i - 1]].key) {
      fail(fmt::format("{}: metadata has the key {} twice", what_, printable(key)));
    }
  }
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto position = std::lower_bound(
      by_key_.begin(), by_key_.end(), key,
      [this](uint32_t index, std::string_view k) { return entries_[index].key < k; });
  if (position == by_key_.end() || entries_[*position].key != key) return nullptr;
  return &entries_[*position].value;
}

void GgufMetadata::fail_type(std::string_view key, std::string_view expected,
                             const GgufValue& found) const {
  std::string value;
  if (const auto number = found.as_float()) value = fmt::format(" {}", *number);
  fail(fmt::format("{}: {} is {}{}, expected {}", what_, printable(key), found.type_name(), value,
                   expected));
}

void GgufMetadata::fail_missing(std::string_view key, std::string_view expected) const {
  fail(fmt::format("{}: {} is missing, expected {}", what_, printable(key), expected));
}

std::optional<int64_t> GgufMetadata::find_int(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto result = value->as_int();
  if (!result) fail_type(key, "an integer", *value);
  return result;
}

std::optional<double> GgufMetadata::find_float(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto result = value->as_float();
  if (!result || !std::isfinite(*result)) fail_type(key, "a finite number", *value);
  return result;
}

std::optional<bool> GgufMetadata::find_bool(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto result = value->as_bool();
  if (!result) fail_type(key, "a boolean", *value);
  return result;
}

std::optional<std::string_view> GgufMetadata::find_string(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto result = value->as_string();
  if (!result) fail_type(key, "a string", *value);
  return result;
}

std::optional<std::vector<int64_t>> GgufMetadata::find_ints(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  auto result = value->as_ints();
  if (!result) fail_type(key, "integers", *value);
  return result;
}

std::optional<std::vector<double>> GgufMetadata::find_floats(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  auto result = value->as_floats();
  if (!result) fail_type(key, "numbers", *value);
  if (std::any_of(result->begin(), result->end(),
                  [](double number) { return std::isnan(number); })) {
    fail(fmt::format("{}: {} holds a value that is not a number", what_, printable(key)));
  }
  return result;
}

std::optional<std::vector<bool>> GgufMetadata::find_bools(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  auto result = value->as_bools();
  if (!result) fail_type(key, "booleans", *value);
  return result;
}

std::optional<std::vector<std::string_view>> GgufMetadata::find_strings(
    std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  auto result = value->as_strings();
  if (!result) fail_type(key, "strings", *value);
  return result;
}

std::optional<std::vector<int64_t>> GgufMetadata::find_ints_per_layer(std::string_view key,
                                                                      int64_t count) const {
  const GgufValue* value = find(key);
  auto result = find_ints(key);
  if (!result) return result;
  if (count < 0 || count > layer_count_max) {
    fail(fmt::format("{}: {} layers, at most {} allowed", what_, count, layer_count_max));
  }
  const auto wanted = static_cast<size_t>(count);
  if (!value->is_array()) return std::vector<int64_t>(wanted, result->front());
  if (result->size() < wanted)
    fail_type(key, fmt::format("{} values, one per layer", count), *value);
  result->resize(wanted);
  return result;
}

int64_t GgufMetadata::require_int(std::string_view key) const {
  const auto value = find_int(key);
  if (!value) fail_missing(key, "an integer");
  return *value;
}

double GgufMetadata::require_float(std::string_view key) const {
  const auto value = find_float(key);
  if (!value) fail_missing(key, "a number");
  return *value;
}

bool GgufMetadata::require_bool(std::string_view key) const {
  const auto value = find_bool(key);
  if (!value) fail_missing(key, "a boolean");
  return *value;
}

std::string_view GgufMetadata::require_string(std::string_view key) const {
  const auto value = find_string(key);
  if (!value) fail_missing(key, "a string");
  return *value;
}

std::vector<int64_t> GgufMetadata::require_ints(std::string_view key) const {
  auto value = find_ints(key);
  if (!value) fail_missing(key, "integers");
  return *std::move(value);
}

std::vector<std::string_view> GgufMetadata::require_strings(std::string_view key) const {
  auto value = find_strings(key);
  if (!value) fail_missing(key, "strings");
  return *std::move(value);
}

int64_t GgufMetadata::require_int_between(std::string_view key, int64_t low, int64_t high) const {
  const int64_t value = require_int(key);
  if (value < low || value > high) {
    fail(fmt::format("{}: {} is {}, expected {} to {}", what_, printable(key), value, low, high));
  }
  return value;
}

}  // namespace hearth::engine
