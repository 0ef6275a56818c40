// What a vocabulary makes of one state of a terminal. It holds wherever the terminal stands.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

struct TerminalMask {
  // A token that stays inside the terminal. For a counted one: repetitions it begins or goes on
  // with.
  struct Inside {
    TokenId token = 0;
    uint32_t count = 0;
  };
  // A node of the vocabulary's trie that begins behind the terminal's end, and how many repetitions
  // were complete there.
  struct Behind {
    uint32_t node = 0;
    uint32_t count = 0;
  };

  // Tokens inside as bits, or as a list where there are few. A counted terminal always has the
  // list.
  std::vector<uint64_t> bits;
  std::vector<Inside> tokens;
  // By the byte that leads to the node.
  std::vector<Behind> behind;
  std::array<uint32_t, 257> first_behind{};
  std::vector<uint8_t> behind_bytes;  // those that have any
  uint32_t count_max = 0;             // of `tokens`
  // Of a counted terminal, by repetitions that there is room for: the tokens that fit. Made when
  // they are asked for.
  std::vector<std::vector<uint64_t>> upto;

  size_t bytes() const {
    return (1 + upto.size()) * bits.capacity() * sizeof(uint64_t) +
           tokens.capacity() * sizeof(Inside) + behind.capacity() * sizeof(Behind) + sizeof(*this);
  }
};

}  // namespace hearth::engine
