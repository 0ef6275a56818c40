// A set of byte strings with the ids they stand for, walked byte by byte. Nodes are numbered level
// by level, so that the children of a node lie side by side: 9 bytes per node, mostly in cache.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

// Filled once, then only read.
class ByteTrie {
 public:
  using Node = int32_t;
  static constexpr Node root = 0;
  static constexpr Node none = -1;

  // Empty strings are left out. Of equal strings the id given last holds.
  explicit ByteTrie(std::vector<std::pair<std::string_view, TokenId>> entries);

  // The child of `node` behind `byte`, or none.
  Node step(Node node, char byte) const {
    const auto begin = first_child_[static_cast<size_t>(node)];
    const auto count = first_child_[static_cast<size_t>(node) + 1] - begin;
    const char* labels = labels_.data() + begin;
    if (count == 0) return none;
    if (labels[0] == byte) return static_cast<Node>(begin);
    const void* found = std::memchr(labels, static_cast<unsigned char>(byte), count);
    if (found == nullptr) return none;
    return static_cast<Node>(begin +
                             static_cast<uint32_t>(static_cast<const char*>(found) - labels));
  }
  // The node behind all of `bytes`, or none; `node` may be none.
  Node walk(Node node, std::string_view bytes) const {
    for (const char byte : bytes) {
      if (node == none) return none;
      node = step(node, byte);
    }
    return node;
  }
  // The id of the string that ends here; -1 when none does.
  TokenId id(Node node) const { return ids_[static_cast<size_t>(node)]; }

 private:
  std::string labels_;                 // per node: the byte that leads to it
  std::vector<uint32_t> first_child_;  // per node, and one more: where the children begin
  std::vector<TokenId> ids_;
};

}  // namespace hearth::engine
