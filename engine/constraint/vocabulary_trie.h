// The tokens of a vocabulary as a tree of bytes in one flat array, depth first: the subtree of a
// node lies behind it, so that skipping it is one jump.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/token_id.h"
#include "engine/tokenizer/tokenizer.h"

namespace hearth::engine {

// Immutable.
class VocabularyTrie {
 public:
  struct Node {
    uint32_t end = 0;    // of its subtree
    TokenId token = -1;  // that ends here; -1: none
    uint8_t byte = 0;
  };
  struct Control {
    TokenId token = 0;
    std::string said;  // control_byte, name
  };

  // Of all tokens that print something, and of control tokens as grammars say them: control_byte,
  // then their name. Those that end an answer or are longer than depth_max bytes are kept out.
  explicit VocabularyTrie(const Tokenizer& tokenizer);
  static constexpr size_t depth_max = 512;

  // The first level begins at 0.
  std::span<const Node> nodes() const { return nodes_; }
  size_t vocab_size() const { return twins_.size(); }
  size_t word_count() const { return (vocab_size() + 63) / 64; }
  // Sets the bits of all tokens that end at this node.
  void mark(const Node& node, std::span<uint64_t> words) const {
    for (TokenId id = node.token; id >= 0; id = twins_[static_cast<size_t>(id)])
      words[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
  }
  template <typename Take>
  void for_each_token(const Node& node, const Take& take) const {
    for (TokenId id = node.token; id >= 0; id = twins_[static_cast<size_t>(id)]) take(id);
  }

  std::span<const TokenId> end_tokens() const { return end_tokens_; }
  // Control tokens that do not end an answer, and how grammars say them.
  std::span<const Control> controls() const { return controls_; }
  // Bytes of all tokens in the trie, by rising bytes.
  std::span<const std::pair<std::string, TokenId>> texts() const { return texts_; }

 private:
  void build();

  std::vector<Node> nodes_;
  std::vector<TokenId> twins_;  // per token the next one with the same bytes; -1: none
  std::vector<TokenId> end_tokens_;
  std::vector<Control> controls_;
  std::vector<std::pair<std::string, TokenId>> texts_;
};

}  // namespace hearth::engine
