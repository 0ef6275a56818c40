#include "engine/tokenizer/bpe.h"

#include "base/utf8.h"
#include "engine/tokenizer/byte_map.h"
#include "engine/tokenizer/merge_list.h"
#include "engine/tokenizer/word_cache.h"

namespace hearth::engine {

BpeEncoder::BpeEncoder(const Vocabulary& vocabulary, const PieceTable& pieces,
                       std::span<const std::string_view> merges, const PreTokenizerRow& row)
    : pre_tokenizer_(row.stages),
      ignores_merges_(row.ignores_merges),
      words_(static_cast<size_t>(vocabulary.size())),
      pairs_(read_merges(vocabulary, merges)),
      memo_(static_cast<size_t>(vocabulary.size())) {
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    // User-defined tokens print as they are spelled; as words they only count where both readings
    // agree.
    const bool is_word = vocabulary.is_text(id) && unspell_bytes(vocabulary.text(id)) == pieces[id];
    if (is_word) words_.add(pieces[id], id);
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto id = vocabulary.find(spell_byte(static_cast<uint8_t>(byte)));
    byte_tokens_[static_cast<size_t>(byte)] = id ? *id : vocabulary.roles().unknown.value_or(-1);
  }
  pairs_.for_each([&](TokenId left, TokenId right) {
    const auto before = unspell_bytes(vocabulary.text(left));
    const auto after = unspell_bytes(vocabulary.text(right));
    if (!before || !after) return;  // no bytes lead there
    joins_[static_cast<unsigned char>(before->back())].set(
        static_cast<unsigned char>(after->front()));
  });
}

// Merges never end in control tokens here, so `controls` makes no difference.
void BpeEncoder::encode(std::string_view text, bool, ControlTokens,
                        std::vector<TokenId>& ids) const {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  MergeScratch scratch;
  WordCache cache(text.size());
  uint32_t begin = 0;
  for (const uint32_t end : pre_tokenizer_.split(text)) {
    const std::string_view word = text.substr(begin, end - begin);
    cache.append(word, ids, [&] { encode_word(word, scratch, ids); });
    begin = end;
  }
}

void BpeEncoder::encode_word(std::string_view word, MergeScratch& scratch,
                             std::vector<TokenId>& ids) const {
  const std::optional<TokenId> whole = words_.find(word);
  if (whole && (ignores_merges_ || memo_.get(*whole) == WordMemo::Answer::yes)) {
    ids.push_back(*whole);
    return;
  }
  const size_t first = ids.size();
  for (size_t begin = 0; begin < word.size();) {
    size_t end = begin + 1;
    while (end < word.size() && is_joined(word[end - 1], word[end])) ++end;
    merge_bytes(word.substr(begin, end - begin), scratch, ids);
    begin = end;
  }
  if (whole) memo_.set(*whole, ids.size() == first + 1 && ids.back() == *whole);
}

void BpeEncoder::merge_bytes(std::string_view bytes, MergeScratch& scratch,
                             std::vector<TokenId>& ids) const {
  scratch.symbols.clear();
  for (size_t i = 0; i < bytes.size(); ++i) {
    scratch.symbols.push_back(
        {byte_tokens_[static_cast<unsigned char>(bytes[i])], static_cast<uint32_t>(i), 1});
  }
  merge_word(scratch, [this](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    if (left.id < 0 || right.id < 0) return std::nullopt;
    return pairs_.find(left.id, right.id);
  });
  for (const Symbol& symbol : scratch.symbols) {
    if (symbol.id >= 0) ids.push_back(symbol.id);
  }
}

}  // namespace hearth::engine
