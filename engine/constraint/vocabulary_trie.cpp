#include "engine/constraint/vocabulary_trie.h"

#include <algorithm>

#include "engine/constraint/grammar.h"

namespace hearth::engine {

VocabularyTrie::VocabularyTrie(const Tokenizer& tokenizer)
    : twins_(static_cast<size_t>(tokenizer.vocab_size()), -1) {
  std::string piece;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    piece.clear();
    if (tokenizer.is_end_of_generation(id)) {
      end_tokens_.push_back(id);
    } else if (tokenizer.is_control(id)) {
      piece = control_byte;
      tokenizer.append_piece(piece, id, true);
      controls_.push_back({id, piece});
      if (piece.size() <= depth_max) texts_.emplace_back(piece, id);
    } else {
      tokenizer.append_piece(piece, id, false);
      if (!piece.empty() && piece.size() <= depth_max) texts_.emplace_back(piece, id);
    }
  }
  std::sort(texts_.begin(), texts_.end());
  build();
}

void VocabularyTrie::build() {
  std::vector<uint32_t> path;  // nodes of the text before, by depth
  std::string_view before;
  const auto close_below = [&](size_t depth) {
    for (size_t i = depth; i < path.size(); ++i)
      nodes_[path[i]].end = static_cast<uint32_t>(nodes_.size());
    path.resize(std::min(depth, path.size()));
  };
  for (const auto& [text, id] : texts_) {
    const auto common = static_cast<size_t>(
        std::mismatch(text.begin(), text.end(), before.begin(), before.end()).first - text.begin());
    close_below(common);
    for (size_t i = path.size(); i < text.size(); ++i) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({0, -1, static_cast<uint8_t>(text[i])});
    }
    Node& node = nodes_[path.back()];
    twins_[static_cast<size_t>(id)] = node.token;
    node.token = id;
    before = text;
  }
  close_below(0);
}

}  // namespace hearth::engine
