#include "engine/constraint/span_pool.h"

#include <algorithm>

namespace hearth::engine {
namespace {

uint64_t hash_of(std::span<const uint32_t> list) {
  uint64_t hash = 0x9E3779B97F4A7C15 ^ list.size();
  for (const uint32_t value : list) {
    hash = (hash ^ value) * 0xD6E8FEB86659FD93;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace

SpanPool::SpanPool() : firsts_{0}, slots_(64, 0) {}

size_t SpanPool::place_of(std::span<const uint32_t> list) const {
  const size_t mask = slots_.size() - 1;
  size_t place = hash_of(list) & mask;
  while (slots_[place] != 0 && !std::ranges::equal((*this)[slots_[place] - 1], list))
    place = (place + 1) & mask;
  return place;
}

uint32_t SpanPool::intern(std::span<const uint32_t> list) {
  size_t place = place_of(list);
  if (slots_[place] != 0) return slots_[place] - 1;
  if (2 * (size() + 1) > slots_.size()) {
    grow();
    place = place_of(list);
  }
  values_.insert(values_.end(), list.begin(), list.end());
  firsts_.push_back(values_.size());
  slots_[place] = static_cast<uint32_t>(size());
  return slots_[place] - 1;
}

void SpanPool::grow() {
  slots_.assign(2 * slots_.size(), 0);
  for (uint32_t number = 0; number < size(); ++number)
    slots_[place_of((*this)[number])] = number + 1;
}

}  // namespace hearth::engine
