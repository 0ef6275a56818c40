// SentencePiece unigram (tokenizer.ggml.model "t5"): of all ways to cut the text into pieces the
// one whose scores have the largest sum. The text is normalised first: rules of the vocabulary,
// spaces to U+2581.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/byte_trie.h"
#include "engine/tokenizer/character_map.h"
#include "engine/tokenizer/fragment_encoder.h"
#include "engine/tokenizer/vocabulary.h"

namespace hearth::engine {

struct UnigramNormalizer {
  CharacterMap map;
  bool adds_space = true;     // in front of the text
  bool joins_spaces = false;  // runs of spaces count as one, those at the ends as none
};

class UnigramEncoder final : public FragmentEncoder {
 public:
  // `vocabulary` must outlive the encoder and have an unknown token.
  UnigramEncoder(const Vocabulary& vocabulary, UnigramNormalizer normalizer);

  void encode(std::string_view text, bool begins, ControlTokens controls,
              std::vector<TokenId>& ids) const override;

 private:
  // The best way to cover the text up to a position: its sum of scores and its last piece.
  struct Best {
    double score;
    TokenId id;
    uint32_t size;  // bytes of the last piece; 0: no way ends here
  };

  std::string normalize(std::string_view text) const;
  void extend(std::string_view text, size_t character_bytes, size_t at,
              std::vector<Best>& best) const;
  void take_best(const std::vector<Best>& best, size_t first, std::vector<TokenId>& ids) const;

  const Vocabulary& vocabulary_;
  UnigramNormalizer normalizer_;
  ByteTrie pieces_;
  std::vector<double> scores_;  // per token
  double unknown_score_;
};

}  // namespace hearth::engine
