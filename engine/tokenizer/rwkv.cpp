#include "engine/tokenizer/rwkv.h"

#include <charconv>
#include <utility>

namespace hearth::engine {
namespace {

ByteTrie all_pieces(const Vocabulary& vocabulary, const PieceTable& pieces) {
  std::vector<std::pair<std::string_view, TokenId>> entries;
  for (TokenId id = 0; id < vocabulary.size(); ++id) entries.emplace_back(pieces[id], id);
  return ByteTrie(std::move(entries));
}

}  // namespace

std::string unescape_token(std::string_view spelling) {
  std::string bytes;
  for (size_t i = 0; i < spelling.size(); ++i) {
    if (spelling[i] != '\\' || i + 1 == spelling.size()) {
      bytes.push_back(spelling[i]);
      continue;
    }
    const char c = spelling[++i];
    uint8_t value = 0;
    const std::string_view digits = spelling.substr(i + 1, 2);
    const char* end = digits.data() + digits.size();
    const bool is_hex =
        c == 'x' && digits.size() == 2 && std::from_chars(digits.data(), end, value, 16).ptr == end;
    if (is_hex) {
      bytes.push_back(static_cast<char>(value));
      i += 2;
    } else {
      bytes.push_back(c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c);
    }
  }
  return bytes;
}

RwkvEncoder::RwkvEncoder(const Vocabulary& vocabulary, const PieceTable& pieces)
    : vocabulary_(vocabulary), pieces_(all_pieces(vocabulary, pieces)) {}

void RwkvEncoder::encode(std::string_view text, bool, ControlTokens controls,
                         std::vector<TokenId>& ids) const {
  for (size_t at = 0; at < text.size();) {
    TokenId best = vocabulary_.roles().unknown.value_or(-1);
    size_t best_end = at + 1;
    ByteTrie::Node node = ByteTrie::root;
    for (size_t end = at; end < text.size();) {
      node = pieces_.step(node, text[end++]);
      if (node == ByteTrie::none) break;
      const TokenId id = pieces_.id(node);
      if (id < 0 || (controls == ControlTokens::excluded && !vocabulary_.is_text(id))) continue;
      best = id;
      best_end = end;
    }
    if (best >= 0) ids.push_back(best);
    at = best_end;
  }
}

}  // namespace hearth::engine
