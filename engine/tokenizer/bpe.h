// Byte-level byte-pair encoding (tokenizer.ggml.model "gpt2"): text is cut into words, each word's
// bytes are merged in the order of the vocabulary's list of merges.
#pragma once

#include <array>
#include <bitset>
#include <span>
#include <string_view>
#include <vector>

#include "engine/tokenizer/fragment_encoder.h"
#include "engine/tokenizer/pair_merger.h"
#include "engine/tokenizer/pair_table.h"
#include "engine/tokenizer/piece_table.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/vocabulary.h"
#include "engine/tokenizer/word_memo.h"

namespace hearth::engine {

class BpeEncoder final : public FragmentEncoder {
 public:
  // `merges` as in tokenizer.ggml.merges: "left right", best first. `pieces` and `vocabulary` must
  // outlive the encoder. Throws Error{corrupt_data} for a merge that names tokens the vocabulary
  // lacks.
  BpeEncoder(const Vocabulary& vocabulary, const PieceTable& pieces,
             std::span<const std::string_view> merges, const PreTokenizerRow& row);

  void encode(std::string_view text, bool begins, ControlTokens controls,
              std::vector<TokenId>& ids) const override;

 private:
  void encode_word(std::string_view word, MergeScratch& scratch, std::vector<TokenId>& ids) const;
  void merge_bytes(std::string_view bytes, MergeScratch& scratch, std::vector<TokenId>& ids) const;
  bool is_joined(char left, char right) const {
    return joins_[static_cast<unsigned char>(left)][static_cast<unsigned char>(right)];
  }

  PreTokenizer pre_tokenizer_;
  bool ignores_merges_;
  TextIndex words_;  // by bytes, not by spelling
  PairTable pairs_;
  std::array<TokenId, 256>
      byte_tokens_;  // the unknown token, or -1, where the vocabulary lacks the byte
  // Which bytes some merge joins: between others a word can be cut without changing a result.
  std::array<std::bitset<256>, 256> joins_;
  WordMemo memo_;
};

}  // namespace hearth::engine
