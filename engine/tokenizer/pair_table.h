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
  std::optional<Merge> find(TokenId left, TokenId right) const;

 private:
  struct Slot {
    TokenId left = -1;  // -1: free
    TokenId right = -1;
    Merge merge;
  };

  size_t slot_of(TokenId left, TokenId right) const;

  std::vector<Slot> slots_;
  uint64_t mask_;
  uint64_t seed_;
};

}  // namespace hearth::engine
