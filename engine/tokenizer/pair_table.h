// The merges of a byte-level vocabulary: from two neighbouring tokens to rank and result, in one
// memory access or two.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/tokenizer/pair_merger.h"

namespace hearth::engine {

// Filled once, then only read. Token ids must not be negative.
class PairTable {
 public:
  explicit PairTable(size_t count);

  // The first of equal pairs stays.
  void add(TokenId left, TokenId right, const Merge& merge);
  std::optional<Merge> find(TokenId left, TokenId right) const {
    const Slot& slot = slots_[slot_of(left, right)];
    if (slot.left < 0) return std::nullopt;
    return slot.merge;
  }
  // Calls visit(left, right) for every pair.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (const Slot& slot : slots_) {
      if (slot.left >= 0) visit(slot.left, slot.right);
    }
  }

 private:
  struct Slot {
    TokenId left = -1;  // -1: free
    TokenId right = -1;
    Merge merge;
  };

  // The pair's slot, or the free one where it would be.
  size_t slot_of(TokenId left, TokenId right) const {
    const uint64_t key = (static_cast<uint64_t>(left) << 32) | static_cast<uint32_t>(right);
    const unsigned __int128 product =
        static_cast<unsigned __int128>(key ^ seed_) * 0x9E3779B97F4A7C15u;
    size_t i = (static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64)) & mask_;
    while (slots_[i].left >= 0 && (slots_[i].left != left || slots_[i].right != right))
      i = (i + 1) & mask_;
    return i;
  }

  std::vector<Slot> slots_;
  uint64_t mask_;
  uint64_t seed_;
};

}  // namespace hearth::engine
