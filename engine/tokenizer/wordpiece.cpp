#include "engine/tokenizer/wordpiece.h"

#include <string>

#include "base/utf8.h"
#include "engine/tokenizer/space_marks.h"
#include "engine/tokenizer/unicode.h"

namespace hearth::engine {
namespace {

constexpr uint32_t replacement = 0xFFFD;

bool is_ascii_symbol(uint32_t c) {
  return c == '$' || c == '+' || c == '<' || c == '=' || c == '>' || c == '^' || c == '`' ||
         c == '|' || c == '~';
}

bool is_ascii_alphanumeric(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

WordPieceEncoder::WordPieceEncoder(const Vocabulary& vocabulary, WordNormalizer normalizer)
    : vocabulary_(vocabulary), normalizer_(normalizer), pieces_(spelling_trie(vocabulary)) {}

// The longest piece at every position; a word that cannot be covered is unknown as a whole.
void WordPieceEncoder::encode_word(std::string_view word, ControlTokens controls,
                                   std::vector<TokenId>& ids) const {
  const size_t count_before = ids.size();
  for (size_t at = 0; at < word.size();) {
    TokenId best = -1;
    size_t best_end = at;
    ByteTrie::Node node = ByteTrie::root;
    for (size_t end = at; end < word.size();) {
      node = pieces_.step(node, word[end++]);
      if (node == ByteTrie::none) break;
      const TokenId id = pieces_.id(node);
      if (id < 0 || (controls == ControlTokens::excluded && !vocabulary_.is_text(id))) continue;
      best = id;
      best_end = end;
    }
    if (best < 0) {
      ids.resize(count_before);
      ids.push_back(*vocabulary_.roles().unknown);
      return;
    }
    ids.push_back(best);
    at = best_end;
  }
}

void WordPieceEncoder::encode(std::string_view text, bool, ControlTokens controls,
                              std::vector<TokenId>& ids) const {
  std::string word(space_mark);
  const auto end_word = [&] {
    if (word.size() > space_mark.size()) encode_word(word, controls, ids);
    word.resize(space_mark.size());
  };
  while (!text.empty()) {
    const CodePoint decoded = decode_utf8(text);
    text.remove_prefix(static_cast<size_t>(decoded.size_bytes));
    if (is_ascii_alphanumeric(decoded.value)) {
      word.push_back(
          static_cast<char>(normalizer_.lowers_case ? lower_case(decoded.value) : decoded.value));
      continue;
    }
    const uint32_t c = normalizer_.drops_accents ? base_character(decoded.value) : decoded.value;
    if (is_white_space(c)) {
      end_word();
      continue;
    }
    const CodePointClass kind = code_point_class(c);
    if (c == 0 || c == replacement || kind == CodePointClass::control) continue;
    if (normalizer_.drops_marks && kind == CodePointClass::accent) continue;
    const bool stands_alone =
        kind == CodePointClass::punctuation || is_ascii_symbol(c) || is_cjk(c);
    if (stands_alone) end_word();
    append_utf8(word, normalizer_.lowers_case ? lower_case(c) : c);
    if (stands_alone) end_word();
  }
  end_word();
}

}  // namespace hearth::engine
