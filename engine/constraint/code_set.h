// Sets of Unicode code points as sorted ranges, and their UTF-8 encoding as ranges of bytes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace hearth::engine {

constexpr uint32_t code_point_max = 0x10FFFF;

struct CodeRange {
  uint32_t first = 0;
  uint32_t last = 0;  // included

  bool operator==(const CodeRange&) const = default;
};

// Sorted, without overlaps or neighbours that could be one.
class CodeSet {
 public:
  CodeSet() = default;
  explicit CodeSet(std::vector<CodeRange> ranges);
  static CodeSet all() { return CodeSet({{0, code_point_max}}); }

  std::span<const CodeRange> ranges() const { return ranges_; }
  bool empty() const { return ranges_.empty(); }
  bool contains(uint32_t code_point) const;
  CodeSet inverted() const;
  CodeSet united(const CodeSet& other) const;
  CodeSet intersected(const CodeSet& other) const;

  bool operator==(const CodeSet&) const = default;

 private:
  std::vector<CodeRange> ranges_;
};

struct ByteRange {
  uint8_t first = 0;
  uint8_t last = 0;  // included
};

// Calls `take` with sequences of byte ranges (1 to 4) that together spell exactly the code points
// of the range in UTF-8; surrogates are left out.
void for_each_utf8_sequence(CodeRange range,
                            const std::function<void(std::span<const ByteRange>)>& take);

}  // namespace hearth::engine
