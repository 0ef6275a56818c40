// A set of bytes of a file, as sorted ranges that do not touch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::registry {

// From `first` up to and without `end`.
struct ByteRange {
  uint64_t first = 0;
  uint64_t end = 0;

  uint64_t size() const { return end - first; }
  bool operator==(const ByteRange&) const = default;
};

class ByteRanges {
 public:
  void add(ByteRange range);
  void remove(ByteRange range);

  bool contains(ByteRange range) const;
  uint64_t size_bytes() const;
  // Up to where everything is there, from the start.
  uint64_t front() const;
  // The first missing bytes of `within`; absent when all are there.
  std::optional<ByteRange> gap(ByteRange within) const;
  const std::vector<ByteRange>& list() const { return ranges_; }

  // "0-1000 2000-3000"; ends are not in the range.
  std::string print() const;
  // Absent for what print() never writes, and for bytes beyond `size_bytes`.
  static std::optional<ByteRanges> parse(std::string_view text, uint64_t size_bytes);

  bool operator==(const ByteRanges&) const = default;

 private:
  std::vector<ByteRange> ranges_;
};

}  // namespace hearth::registry
