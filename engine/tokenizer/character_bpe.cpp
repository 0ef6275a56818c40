#include "engine/tokenizer/character_bpe.h"

#include <optional>
#include <string>

#include "base/utf8.h"
#include "engine/tokenizer/merge_list.h"
#include "engine/tokenizer/space_marks.h"
#include "engine/tokenizer/word_cache.h"

namespace hearth::engine {
namespace {

bool no_token_spans_words(const Vocabulary& vocabulary) {
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.is_text(id) && has_inner_mark(vocabulary.text(id))) return false;
  }
  return true;
}

}  // namespace

CharacterBpeEncoder::CharacterBpeEncoder(const Vocabulary& vocabulary,
                                         std::span<const std::string_view> merges,
                                         const PreTokenizerRow& row)
    : vocabulary_(vocabulary),
      pre_tokenizer_(row.stages),
      cuts_at_spaces_(no_token_spans_words(vocabulary)),
      pairs_(read_merges(vocabulary, merges)),
      byte_tokens_(vocabulary) {}

// Merges never end in control tokens here, so `controls` makes no difference.
void CharacterBpeEncoder::encode(std::string_view text, bool, ControlTokens,
                                 std::vector<TokenId>& ids) const {
  const std::string marked =
      mark_spaces(is_valid_utf8(text) ? std::string(text) : repair_utf8(text), false);
  MergeScratch scratch;
  WordCache cache(marked.size());
  size_t begin = 0;
  for (const uint32_t end : pre_tokenizer_.split(marked)) {
    while (begin < end) {
      const auto piece = std::string_view(marked).substr(0, end);
      const size_t word_end = cuts_at_spaces_ ? next_word(piece, begin) : end;
      const std::string_view word = piece.substr(begin, word_end - begin);
      cache.append(word, ids, [&] { encode_word(word, scratch, ids); });
      begin = word_end;
    }
  }
}

void CharacterBpeEncoder::encode_word(std::string_view word, MergeScratch& scratch,
                                      std::vector<TokenId>& ids) const {
  // Runs of line breaks are tokens that no merges lead to.
  if (word.find_first_not_of('\n') == word.npos) {
    const auto whole = vocabulary_.find(word);
    if (whole && vocabulary_.is_text(*whole)) {
      ids.push_back(*whole);
      return;
    }
  }
  scratch.symbols.clear();
  for (size_t at = 0; at < word.size();) {
    const auto size = static_cast<uint32_t>(decode_utf8(word.substr(at)).size_bytes);
    const auto id = vocabulary_.find(word.substr(at, size));
    const bool is_usable = id && vocabulary_.is_text(*id);
    scratch.symbols.push_back({is_usable ? *id : -1, static_cast<uint32_t>(at), size});
    at += size;
  }
  merge_word(scratch, [this](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    if (left.id < 0 || right.id < 0) return std::nullopt;
    return pairs_.find(left.id, right.id);
  });
  for (const Symbol& symbol : scratch.symbols) {
    if (symbol.id >= 0) {
      ids.push_back(symbol.id);
    } else {
      byte_tokens_.append(word.substr(symbol.begin, symbol.size), ids);
    }
  }
}

}  // namespace hearth::engine
