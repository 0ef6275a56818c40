// SentencePiece byte pairs (tokenizer.ggml.model "llama"): spaces become U+2581, characters are
// merged by the score of the piece they give, and characters the vocabulary lacks become their
// bytes <0xXX>.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/tokenizer/fragment_encoder.h"
#include "engine/tokenizer/pair_merger.h"
#include "engine/tokenizer/vocabulary.h"
#include "engine/tokenizer/word_memo.h"

namespace hearth::engine {

// The byte a token of kind `byte` stands for; absent when it is not spelled <0xXX>.
std::optional<uint8_t> byte_of_token(std::string_view text);

class SpmEncoder final : public FragmentEncoder {
 public:
  // `vocabulary` must outlive the encoder. `adds_space`: text that begins gets a space in front.
  SpmEncoder(const Vocabulary& vocabulary, bool adds_space);

  void encode(std::string_view text, bool begins, ControlTokens controls,
              std::vector<TokenId>& ids) const override;

 private:
  void encode_word(std::string_view word, ControlTokens controls, MergeScratch& scratch,
                   std::vector<TokenId>& ids) const;
  void append_character(std::string_view bytes, std::vector<TokenId>& ids) const;
  std::optional<TokenId> find_piece(std::string_view text, ControlTokens controls) const;
  bool is_cut(std::string_view text, size_t position) const;

  const Vocabulary& vocabulary_;
  bool adds_space_;
  bool cuts_at_spaces_ = true;  // no piece has U+2581 behind another character
  TextIndex pieces_;            // what merging may produce
  std::vector<int32_t> ranks_;  // per token: place of its score among all, the best is 0
  std::array<TokenId, 256> byte_tokens_;
  std::array<WordMemo, 2> memos_;  // by ControlTokens
};

}  // namespace hearth::engine
