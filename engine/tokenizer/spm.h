// SentencePiece byte pairs (tokenizer.ggml.model "llama"): spaces become U+2581, characters are
// merged by the score of the piece they give, and characters the vocabulary lacks become their
// bytes <0xXX>.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/tokenizer/byte_tokens.h"
#include "engine/tokenizer/byte_trie.h"
#include "engine/tokenizer/fragment_encoder.h"
#include "engine/tokenizer/pair_merger.h"
#include "engine/tokenizer/vocabulary.h"
#include "engine/tokenizer/word_memo.h"

namespace hearth::engine {

class SpmEncoder final : public FragmentEncoder {
 public:
  // `vocabulary` must outlive the encoder. `adds_space`: text that begins gets a space in front.
  SpmEncoder(const Vocabulary& vocabulary, bool adds_space);

  void encode(std::string_view text, bool begins, ControlTokens controls,
              std::vector<TokenId>& ids) const override;

 private:
  void encode_word(std::string_view word, ControlTokens controls, MergeScratch& scratch,
                   std::vector<TokenId>& ids) const;
  size_t next_cut(std::string_view marked, size_t begin, size_t end) const;
  TokenId piece_at(ByteTrie::Node node, ControlTokens controls) const;

  const Vocabulary& vocabulary_;
  bool adds_space_;
  bool cuts_at_spaces_ = true;  // no piece has U+2581 behind another character
  ByteTrie pieces_;             // what merging may produce
  bool has_giants_ = false;     // some piece is too long to look for cuts between pieces
  std::vector<int32_t> ranks_;  // per token: place of its score among all, the best is 0
  ByteTokens byte_tokens_;
  std::array<WordMemo, 2> memos_;  // by ControlTokens
};

}  // namespace hearth::engine
