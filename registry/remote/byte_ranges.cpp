// See byte_ranges.h.
#include "registry/remote/byte_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace hearth::registry {
namespace {

constexpr size_t ranges_max = 100'000;

}  // namespace

void ByteRanges::add(ByteRange range) {
  if (range.first >= range.end) return;
  auto place = std::lower_bound(ranges_.begin(), ranges_.end(), range.first,
                                [](const ByteRange& r, uint64_t first) { return r.end < first; });
  auto last = place;
  for (; last != ranges_.end() && last->first <= range.end; ++last) {
    range.first = std::min(range.first, last->first);
    range.end = std::max(range.end, last->end);
  }
  ranges_.insert(ranges_.erase(place, last), range);
}

void ByteRanges::remove(ByteRange range) {
  if (range.first >= range.end) return;
  std::vector<ByteRange> kept;
  for (const ByteRange& r : ranges_) {
    if (r.first < range.first) kept.push_back({r.first, std::min(r.end, range.first)});
    if (r.end > range.end) kept.push_back({std::max(r.first, range.end), r.end});
  }
  ranges_ = std::move(kept);
}

bool ByteRanges::contains(ByteRange range) const {
  return !gap(range);
}

uint64_t ByteRanges::size_bytes() const {
  uint64_t total = 0;
  for (const ByteRange& r : ranges_) total += r.size();
  return total;
}

uint64_t ByteRanges::front() const {
  return ranges_.empty() || ranges_.front().first > 0 ? 0 : ranges_.front().end;
}

std::optional<ByteRange> ByteRanges::gap(ByteRange within) const {
  for (const ByteRange& r : ranges_) {
    if (within.first >= within.end) return std::nullopt;
    if (r.end <= within.first) continue;
    if (r.first > within.first) return ByteRange{within.first, std::min(within.end, r.first)};
    within.first = r.end;
  }
  if (within.first >= within.end) return std::nullopt;
  return within;
}

std::string ByteRanges::print() const {
  std::string text;
  for (const ByteRange& r : ranges_)
    text += fmt::format("{}{}-{}", text.empty() ? "" : " ", r.first, r.end);
  return text;
}

std::optional<ByteRanges> ByteRanges::parse(std::string_view text, uint64_t size_bytes) {
  ByteRanges result;
  uint64_t before = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    ByteRange range;
    auto read = std::from_chars(at, end, range.first);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != '-') return std::nullopt;
    read = std::from_chars(read.ptr + 1, end, range.end);
    if (read.ec != std::errc() || (read.ptr != end && *read.ptr != ' ')) return std::nullopt;
    const bool is_sorted = result.ranges_.empty() || range.first > before;
    if (!is_sorted || range.first >= range.end || range.end > size_bytes ||
        result.ranges_.size() == ranges_max) {
      return std::nullopt;
    }
    before = range.end;
    result.ranges_.push_back(range);
    at = read.ptr == end ? end : read.ptr + 1;
  }
  return result;
}

}  // namespace hearth::registry
