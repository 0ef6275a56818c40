#include "engine/tokenizer/pair_table.h"

#include <algorithm>
#include <bit>
#include <random>

namespace hearth::engine {

PairTable::PairTable(size_t count) : slots_(std::bit_ceil(std::max<size_t>(16, count * 2))) {
  mask_ = slots_.size() - 1;
  std::random_device device;
  seed_ = (uint64_t{device()} << 32) | device();
}

size_t PairTable::slot_of(TokenId left, TokenId right) const {
  const uint64_t key = (static_cast<uint64_t>(left) << 32) | static_cast<uint32_t>(right);
  const unsigned __int128 product =
      static_cast<unsigned __int128>(key ^ seed_) * 0x9E3779B97F4A7C15u;
  size_t i = (static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64)) & mask_;
  while (slots_[i].left >= 0 && (slots_[i].left != left || slots_[i].right != right))
    i = (i + 1) & mask_;
  return i;
}

void PairTable::add(TokenId left, TokenId right, const Merge& merge) {
  Slot& slot = slots_[slot_of(left, right)];
  if (slot.left < 0) slot = {left, right, merge};
}

std::optional<Merge> PairTable::find(TokenId left, TokenId right) const {
  const Slot& slot = slots_[slot_of(left, right)];
  if (slot.left < 0) return std::nullopt;
  return slot.merge;
}

}  // namespace hearth::engine
