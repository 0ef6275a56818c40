// WordPiece (tokenizer.ggml.model "bert"): text is tidied and cut into words, each word is covered
// by the longest pieces from the left. Word beginnings are spelled with U+2581 in the file, the
// pieces behind them bare. What the tidying takes away (case, accents, white space) does not come
// back.
#pragma once

#include <string_view>
#include <vector>

#include "engine/tokenizer/byte_trie.h"
#include "engine/tokenizer/fragment_encoder.h"
#include "engine/tokenizer/vocabulary.h"

namespace hearth::engine {

// The keys tokenizer.ggml.normalizer.*.
struct WordNormalizer {
  bool lowers_case = true;
  bool drops_accents = true;  // é becomes e; what llama.cpp did before it knew the key
  bool drops_marks = false;   // accents that are characters of their own go too
};

class WordPieceEncoder final : public FragmentEncoder {
 public:
  // `vocabulary` must outlive the encoder and have an unknown token: it stands for every word that
  // no pieces cover.
  WordPieceEncoder(const Vocabulary& vocabulary, WordNormalizer normalizer);

  void encode(std::string_view text, bool begins, ControlTokens controls,
              std::vector<TokenId>& ids) const override;

 private:
  void encode_word(std::string_view word, ControlTokens controls, std::vector<TokenId>& ids) const;

  const Vocabulary& vocabulary_;
  WordNormalizer normalizer_;
  ByteTrie pieces_;
};

}  // namespace hearth::engine
