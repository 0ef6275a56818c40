// The key-value part of a GGUF file: found by key, read leniently, complained about precisely.
// Holds views into the file's bytes, so it lives no longer than the GgufFile (or the bytes) it came
// from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/gguf/value.h"

namespace hearth::engine {

class GgufMetadata {
 public:
  struct Entry {
    std::string_view key;
    GgufValue value;
  };

  GgufMetadata() = default;
  // `what` names the file in messages. Throws Error{corrupt_data} for an empty or repeated key.
  GgufMetadata(std::string what, std::vector<Entry> entries);

  const std::string& what() const { return what_; }
  // In the order of the file.
  std::span<const Entry> entries() const { return entries_; }
  const GgufValue* find(std::string_view key) const;

  // Absent when the key is not there. Throws Error{corrupt_data} naming key, expected and found
  // type when the value is of another kind, and for a float that is not finite (arrays of floats
  // may hold infinities, but no NaN).
  std::optional<int64_t> find_int(std::string_view key) const;
  std::optional<double> find_float(std::string_view key) const;
  std::optional<bool> find_bool(std::string_view key) const;
  std::optional<std::string_view> find_string(std::string_view key) const;
  std::optional<std::vector<int64_t>> find_ints(std::string_view key) const;
  std::optional<std::vector<double>> find_floats(std::string_view key) const;
  std::optional<std::vector<bool>> find_bools(std::string_view key) const;
  std::optional<std::vector<std::string_view>> find_strings(std::string_view key) const;
  // A number per layer: a lone value stands for all `count` layers, an array must have at least
  // `count` elements and is cut to that. More than 65536 layers are Error{corrupt_data}.
  std::optional<std::vector<int64_t>> find_ints_per_layer(std::string_view key,
                                                          int64_t count) const;

  // As above; an absent key is Error{corrupt_data} too.
  int64_t require_int(std::string_view key) const;
  double require_float(std::string_view key) const;
  bool require_bool(std::string_view key) const;
  std::string_view require_string(std::string_view key) const;
  std::vector<int64_t> require_ints(std::string_view key) const;
  std::vector<std::string_view> require_strings(std::string_view key) const;
  // Like require_int, and the value must lie in [low, high].
  int64_t require_int_between(std::string_view key, int64_t low, int64_t high) const;

 private:
  [[noreturn]] void fail_type(std::string_view key, std::string_view expected,
                              const GgufValue& found) const;
  [[noreturn]] void fail_missing(std::string_view key, std::string_view expected) const;

  std::string what_;
  std::vector<Entry> entries_;
  std::vector<uint32_t>
      by_key_;  // indices of entries_, sorted by key: no hash that a hostile file could flood
};

// `text` from a file made fit for a one-line message: control and non-ASCII bytes escaped, long
// text cut.
std::string printable(std::string_view text);

}  // namespace hearth::engine
