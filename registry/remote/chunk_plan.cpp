// See chunk_plan.h.
#include "registry/remote/chunk_plan.h"

#include <algorithm>

#include "base/check.h"

namespace hearth::registry {
namespace {

constexpr uint64_t part_bytes_min = uint64_t{1} << 20;
constexpr uint64_t part_bytes_max = uint64_t{64} << 20;
constexpr uint64_t parts_per_connection = 8;

}  // namespace

uint64_t part_bytes_for(uint64_t size_bytes, int connections) {
  const uint64_t wanted = size_bytes / (static_cast<uint64_t>(connections) * parts_per_connection);
  const uint64_t rounded = wanted / part_bytes_min * part_bytes_min;
  return std::clamp(rounded, part_bytes_min, part_bytes_max);
}

ChunkPlan::PartId ChunkPlan::add_part(ByteRange range) {
  parts_.emplace(++last_part_, range);
  return last_part_;
}

std::optional<ChunkPlan::PartId> ChunkPlan::take(uint64_t bytes_max) {
  ByteRanges busy = done_;
  for (const auto& [id, range] : parts_) busy.add(range);
  const std::optional<ByteRange> gap = busy.gap({0, size_bytes_});
  if (!gap) return std::nullopt;
  return add_part({gap->first, std::min(gap->end, gap->first + std::min(part_bytes_, bytes_max))});
}

std::optional<ChunkPlan::PartId> ChunkPlan::split(PartId slow) {
  const auto found = parts_.find(slow);
  if (found == parts_.end() || found->second.size() < 2 * part_bytes_min) return std::nullopt;
  const ByteRange back{found->second.first + found->second.size() / 2, found->second.end};
  found->second.end = back.first;
  return add_part(back);
}

void ChunkPlan::arrived(PartId part, uint64_t bytes) {
  ByteRange& range = parts_.at(part);
  HEARTH_CHECK(bytes <= range.size());
  done_.add({range.first, range.first + bytes});
  range.first += bytes;
}

}  // namespace hearth::registry
