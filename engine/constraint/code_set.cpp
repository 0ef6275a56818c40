#include "engine/constraint/code_set.h"

#include <algorithm>
#include <utility>

namespace hearth::engine {
namespace {

using Encoded = std::array<uint8_t, 4>;

constexpr std::array<uint32_t, 4> length_last = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};

size_t encoded_bytes(uint32_t code_point) {
  size_t bytes = 1;
  while (code_point > length_last[bytes - 1]) ++bytes;
  return bytes;
}

Encoded encode(uint32_t code_point, size_t bytes) {
  const auto byte = [code_point](uint32_t mark, int shift) {
    return static_cast<uint8_t>(mark | ((code_point >> shift) & (mark == 0x80 ? 0x3F : 0x7F)));
  };
  switch (bytes) {
    case 1:
      return {byte(0, 0)};
    case 2:
      return {byte(0xC0, 6), byte(0x80, 0)};
    case 3:
      return {byte(0xE0, 12), byte(0x80, 6), byte(0x80, 0)};
    default:
      return {byte(0xF0, 18), byte(0x80, 12), byte(0x80, 6), byte(0x80, 0)};
  }
}

// Of code points whose encodings have the same length: split where a trailing byte would not run
// over its whole range.
void split(uint32_t first, uint32_t last, size_t bytes,
           const std::function<void(std::span<const ByteRange>)>& take) {
  for (size_t tail = 1; tail < bytes; ++tail) {
    const uint32_t mask = (uint32_t{1} << (6 * tail)) - 1;
    if ((first & ~mask) == (last & ~mask)) break;
    if ((first & mask) != 0) {
      split(first, first | mask, bytes, take);
      return split((first | mask) + 1, last, bytes, take);
    }
    if ((last & mask) != mask) {
      split(first, (last & ~mask) - 1, bytes, take);
      return split(last & ~mask, last, bytes, take);
    }
  }
  const Encoded low = encode(first, bytes);
  const Encoded high = encode(last, bytes);
  std::array<ByteRange, 4> sequence{};
  for (size_t i = 0; i < sequence.size(); ++i) sequence[i] = {low[i], high[i]};
  take(std::span(sequence).first(bytes));
}

}  // namespace

CodeSet::CodeSet(std::vector<CodeRange> ranges) {
  std::erase_if(ranges, [](const CodeRange& range) {
    return range.first > range.last || range.first > code_point_max;
  });
  std::sort(ranges.begin(), ranges.end(),
            [](const CodeRange& a, const CodeRange& b) { return a.first < b.first; });
  for (CodeRange range : ranges) {
    range.last = std::min(range.last, code_point_max);
    if (!ranges_.empty() && range.first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    } else {
      ranges_.push_back(range);
    }
  }
}

bool CodeSet::contains(uint32_t code_point) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [code_point](const CodeRange& range) {
    return range.first <= code_point && code_point <= range.last;
  });
}

CodeSet CodeSet::inverted() const {
  std::vector<CodeRange> others;
  uint32_t next = 0;
  for (const CodeRange& range : ranges_) {
    if (range.first > next) others.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= code_point_max) others.push_back({next, code_point_max});
  return CodeSet(std::move(others));
}

CodeSet CodeSet::united(const CodeSet& other) const {
  std::vector<CodeRange> ranges = ranges_;
  ranges.insert(ranges.end(), other.ranges_.begin(), other.ranges_.end());
  return CodeSet(std::move(ranges));
}

CodeSet CodeSet::intersected(const CodeSet& other) const {
  std::vector<CodeRange> common;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    const CodeRange both{std::max(a->first, b->first), std::min(a->last, b->last)};
    if (both.first <= both.last) common.push_back(both);
    if (a->last < b->last) {
      ++a;
    } else {
      ++b;
    }
  }
  return CodeSet(std::move(common));
}

void for_each_utf8_sequence(CodeRange range,
                            const std::function<void(std::span<const ByteRange>)>& take) {
  const auto encode_part = [&take](uint32_t first, uint32_t last) {
    while (first <= last) {
      const size_t bytes = encoded_bytes(first);
      const uint32_t end = std::min(last, length_last[bytes - 1]);
      split(first, end, bytes, take);
      first = end + 1;
    }
  };
  // Surrogates have no encoding.
  if (range.first < 0xD800) encode_part(range.first, std::min<uint32_t>(range.last, 0xD7FF));
  if (range.last > 0xDFFF)
    encode_part(std::max<uint32_t>(range.first, 0xE000), std::min(range.last, code_point_max));
}

}  // namespace hearth::engine
