// RWKV's vocabulary (tokenizer.ggml.model "rwkv"): always the longest token the text begins with.
// Tokens are spelled with escapes (\n, \x00) and may be any bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/byte_trie.h"
#include "engine/tokenizer/fragment_encoder.h"
#include "engine/tokenizer/piece_table.h"
#include "engine/tokenizer/vocabulary.h"

namespace hearth::engine {

// The bytes that a spelling stands for.
std::string unescape_token(std::string_view spelling);

class RwkvEncoder final : public FragmentEncoder {
 public:
  // `pieces` are the unescaped tokens. Both must outlive the encoder.
  RwkvEncoder(const Vocabulary& vocabulary, const PieceTable& pieces);

  void encode(std::string_view text, bool begins, ControlTokens controls,
              std::vector<TokenId>& ids) const override;

 private:
  const Vocabulary& vocabulary_;
  ByteTrie pieces_;
};

}  // namespace hearth::engine
