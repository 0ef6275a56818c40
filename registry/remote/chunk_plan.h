// Which bytes of a blob are asked for next. Pure: no clock, no network, no files.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "registry/remote/byte_ranges.h"

namespace hearth::registry {

// Parts are small enough that each connection gets several, and never larger than what one damaged
// byte may cost.
uint64_t part_bytes_for(uint64_t size_bytes, int connections);

// Parts are handed out from the front, so that what is complete grows from the start and can be
// hashed. Every byte is in one part at most.
class ChunkPlan {
 public:
  ChunkPlan(uint64_t size_bytes, ByteRanges done, uint64_t part_bytes)
      : size_bytes_(size_bytes), done_(std::move(done)), part_bytes_(part_bytes) {}

  using PartId = int;

  // The lowest bytes that are missing and that nobody fetches, a part or at most `bytes_max` of
  // them; absent when there are none.
  std::optional<PartId> take(uint64_t bytes_max = UINT64_MAX);
  // The back half of what is left of `slow`, as a part of its own; absent when that is not worth a
  // request. `slow` then ends where it begins.
  std::optional<PartId> split(PartId slow);

  // What is still to come of a part. Empty: it is complete.
  ByteRange left(PartId part) const { return parts_.at(part); }
  // The next bytes of a part are here; at most left().
  void arrived(PartId part, uint64_t bytes);
  // Bytes that came without having been asked for as a part.
  void add(ByteRange range) { done_.add(range); }
  // Nobody fetches it any more.
  void release(PartId part) { parts_.erase(part); }

  // These bytes are not what they should be.
  void lose(ByteRange range) { done_.remove(range); }

  bool is_complete() const { return done_.contains({0, size_bytes_}); }
  const ByteRanges& done() const { return done_; }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  PartId add_part(ByteRange range);

  uint64_t size_bytes_;
  ByteRanges done_;
  uint64_t part_bytes_;
  std::map<PartId, ByteRange> parts_;
  PartId last_part_ = 0;
};

}  // namespace hearth::registry
