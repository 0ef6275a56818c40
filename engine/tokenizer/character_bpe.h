// Byte-pair encoding over characters (tokenizer.ggml.model "gemma4" and a few names of
// tokenizer.ggml.pre): the merges are a ranked list as in byte-level BPE, the spelling is
// SentencePiece's - spaces are U+2581, characters the vocabulary lacks become their bytes <0xXX>.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/tokenizer/byte_tokens.h"
#include "engine/tokenizer/fragment_encoder.h"
#include "engine/tokenizer/pair_merger.h"
#include "engine/tokenizer/pair_table.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/vocabulary.h"

namespace hearth::engine {

class CharacterBpeEncoder final : public FragmentEncoder {
 public:
  // As BpeEncoder.
  CharacterBpeEncoder(const Vocabulary& vocabulary, std::span<const std::string_view> merges,
                      const PreTokenizerRow& row);

  void encode(std::string_view text, bool begins, ControlTokens controls,
              std::vector<TokenId>& ids) const override;

 private:
  void encode_word(std::string_view word, MergeScratch& scratch, std::vector<TokenId>& ids) const;

  const Vocabulary& vocabulary_;
  PreTokenizer pre_tokenizer_;
  bool cuts_at_spaces_;  // no merge gives a token that spans words
  PairTable pairs_;
  ByteTokens byte_tokens_;
};

}  // namespace hearth::engine
