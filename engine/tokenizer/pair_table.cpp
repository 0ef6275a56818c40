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

void PairTable::add(TokenId left, TokenId right, const Merge& merge) {
  Slot& slot = slots_[slot_of(left, right)];
  if (slot.left < 0) slot = {left, right, merge};
}

}  // namespace hearth::engine
