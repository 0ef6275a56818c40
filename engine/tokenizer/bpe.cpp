#include "engine/tokenizer/bpe.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/gguf/metadata.h"
#include "engine/tokenizer/byte_map.h"

namespace hearth::engine {
namespace {

bool is_text(TokenKind kind) {
  return kind != TokenKind::control && kind != TokenKind::unknown;
}

}  // namespace

BpeEncoder::BpeEncoder(const Vocabulary& vocabulary, const PieceTable& pieces,
                       std::span<const std::string_view> merges, const PreTokenizerRow& row)
    : pre_tokenizer_(row.stages),
      ignores_merges_(row.ignores_merges),
      words_(static_cast<size_t>(vocabulary.size())),
      pairs_(merges.size()),
      memo_(static_cast<size_t>(vocabulary.size())) {
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    // User-defined tokens print as they are spelled; as words they only count where both readings
    // agree.
    const bool is_word =
        is_text(vocabulary.kind(id)) && unspell_bytes(vocabulary.text(id)) == pieces[id];
    if (is_word) words_.add(pieces[id], id);
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto id = vocabulary.find(spell_byte(static_cast<uint8_t>(byte)));
    byte_tokens_[static_cast<size_t>(byte)] = id ? *id : vocabulary.roles().unknown.value_or(-1);
  }
  add_merges(vocabulary, merges);
}

void BpeEncoder::add_merges(const Vocabulary& vocabulary,
                            std::span<const std::string_view> merges) {
  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view line = merges[rank];
    const auto fail = [&](std::string_view problem) {
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("{}: tokenizer.ggml.merges[{}] is \"{}\": {}", vocabulary.what(),
                              rank, printable(line), problem));
    };
    // The left part may itself begin with a space.
    const size_t space = line.empty() ? line.npos : line.find(' ', 1);
    if (space == line.npos || space + 1 == line.size())
      fail("expected two parts with a space between");
    const std::string_view left = line.substr(0, space);
    const std::string_view right = line.substr(space + 1);
    joined.assign(left).append(right);
    const auto left_id = vocabulary.find(left);
    const auto right_id = vocabulary.find(right);
    const auto id = vocabulary.find(joined);
    if (!left_id || !right_id || !id) fail("a part or the whole is not a token of the vocabulary");
    // Text alone must never become a control token.
    if (is_text(vocabulary.kind(*id)))
      pairs_.add(*left_id, *right_id, {static_cast<int32_t>(rank), *id});
  }
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
  uint32_t begin = 0;
  for (const uint32_t end : pre_tokenizer_.split(text)) {
    encode_word(text.substr(begin, end - begin), scratch, ids);
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
  scratch.symbols.clear();
  for (size_t i = 0; i < word.size(); ++i) {
    scratch.symbols.push_back(
        {byte_tokens_[static_cast<unsigned char>(word[i])], static_cast<uint32_t>(i), 1});
  }
  merge_word(scratch, [this](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    if (left.id < 0 || right.id < 0) return std::nullopt;
    return pairs_.find(left.id, right.id);
  });
  for (const Symbol& symbol : scratch.symbols) {
    if (symbol.id >= 0) ids.push_back(symbol.id);
  }
  if (whole) memo_.set(*whole, scratch.symbols.size() == 1);
}

}  // namespace hearth::engine
