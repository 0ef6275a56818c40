#include "engine/tokenizer/byte_tokens.h"

#include <algorithm>

namespace hearth::engine {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::optional<uint8_t> byte_of_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  const int high = hex_digit(text[3]);
  const int low = hex_digit(text[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<uint8_t>(high * 16 + low);
}

ByteTokens::ByteTokens(const Vocabulary& vocabulary) : unknown_(vocabulary.roles().unknown) {
  ids_.fill(-1);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.kind(id) != TokenKind::byte) continue;
    if (const auto byte = byte_of_token(vocabulary.text(id))) ids_[*byte] = id;
  }
}

void ByteTokens::append(std::string_view bytes, std::vector<TokenId>& ids) const {
  const auto token_of = [this](char c) { return ids_[static_cast<unsigned char>(c)]; };
  if (std::all_of(bytes.begin(), bytes.end(), [&](char c) { return token_of(c) >= 0; })) {
    for (const char c : bytes) ids.push_back(token_of(c));
  } else if (unknown_) {
    ids.push_back(*unknown_);
  }
}

}  // namespace hearth::engine
