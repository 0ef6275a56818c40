// The tokenizer of a vocabulary: splits at special tokens, hands the rest to the family's
// algorithm, prints pieces.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/tokenizer/fragment_encoder.h"
#include "engine/tokenizer/piece_table.h"
#include "engine/tokenizer/special_splitter.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/vocabulary.h"

namespace hearth::engine {

// What differs between files beyond the algorithm.
struct TokenizerTraits {
  bool adds_bos = false;
  bool adds_eos = false;
  bool adds_separator = false;
  bool strips_first_space = false;  // decode() drops the space that encode() added
  bool cleans_spaces = false;       // decode() removes spaces before punctuation
  // Per token: white space next to it is dropped. Empty: no token does that.
  std::vector<bool> eats_space_behind = {};
  std::vector<bool> eats_space_before = {};
};

class VocabTokenizer final : public Tokenizer {
 public:
  VocabTokenizer(std::unique_ptr<const Vocabulary> vocabulary,
                 std::unique_ptr<const PieceTable> pieces,
                 std::unique_ptr<const FragmentEncoder> encoder, TokenizerTraits traits);

  std::vector<TokenId> encode(std::string_view text, Specials specials) const override;
  std::vector<TokenId> encode_parts(std::span<const TextPart> parts) const override;
  void append_piece(std::string& text, TokenId id, bool show_special) const override;
  std::string decode(std::span<const TokenId> ids, bool show_special,
                     Tidying tidying) const override;
  int64_t vocab_size() const override { return vocabulary_->size(); }
  std::string_view token_text(TokenId id) const override;
  bool is_control(TokenId id) const override;
  bool is_end_of_generation(TokenId id) const override;
  std::optional<TokenId> find_token(std::string_view text) const override {
    return vocabulary_->find(text);
  }
  std::optional<TokenId> bos() const override { return vocabulary_->roles().bos; }
  std::optional<TokenId> eos() const override { return vocabulary_->roles().eos; }
  std::optional<TokenId> eot() const override { return vocabulary_->roles().eot; }
  std::optional<TokenId> eom() const override { return vocabulary_->roles().eom; }
  std::optional<TokenId> unknown() const override { return vocabulary_->roles().unknown; }
  std::optional<TokenId> padding() const override { return vocabulary_->roles().padding; }
  std::optional<TokenId> separator() const override { return vocabulary_->roles().separator; }
  std::optional<TokenId> fim_prefix() const override { return vocabulary_->roles().fim_prefix; }
  std::optional<TokenId> fim_suffix() const override { return vocabulary_->roles().fim_suffix; }
  std::optional<TokenId> fim_middle() const override { return vocabulary_->roles().fim_middle; }
  bool adds_bos() const override { return traits_.adds_bos; }
  bool adds_eos() const override { return traits_.adds_eos; }
  bool adds_separator() const override { return traits_.adds_separator; }

 private:
  void check(TokenId id) const;
  std::vector<TokenId> encode_text(std::string_view text, std::span<const TextRange> trusted,
                                   ControlTokens controls) const;

  std::unique_ptr<const Vocabulary> vocabulary_;
  std::unique_ptr<const PieceTable> pieces_;
  std::unique_ptr<const FragmentEncoder> encoder_;
  SpecialSplitter splitter_;
  TokenizerTraits traits_;
};

}  // namespace hearth::engine
