// The tokens <0x00> to <0xFF> of vocabularies made of characters: how text is spelled that has no
// other token.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/tokenizer/vocabulary.h"

namespace hearth::engine {

// The byte a token of kind `byte` stands for; absent when it is not spelled <0xXX>.
std::optional<uint8_t> byte_of_token(std::string_view text);

class ByteTokens {
 public:
  explicit ByteTokens(const Vocabulary& vocabulary);

  // Appends one token per byte; where a byte has none, one unknown token for all, or nothing in a
  // vocabulary that has no unknown token.
  void append(std::string_view bytes, std::vector<TokenId>& ids) const;

 private:
  std::array<TokenId, 256> ids_;
  std::optional<TokenId> unknown_;
};

}  // namespace hearth::engine
