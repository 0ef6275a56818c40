#include "engine/tokenizer/spm.h"

#include <algorithm>
#include <numeric>

#include "base/utf8.h"

namespace hearth::engine {
namespace {

constexpr std::string_view space_mark = "\xE2\x96\x81";  // U+2581

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Whether U+2581 follows another character somewhere in the piece.
bool has_inner_space(std::string_view piece) {
  bool seen_other = false;
  while (!piece.empty()) {
    if (piece.starts_with(space_mark)) {
      if (seen_other) return true;
      piece.remove_prefix(space_mark.size());
    } else {
      seen_other = true;
      piece.remove_prefix(1);
    }
  }
  return false;
}

std::vector<int32_t> rank_by_score(const Vocabulary& vocabulary) {
  std::vector<TokenId> order(static_cast<size_t>(vocabulary.size()));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](TokenId a, TokenId b) { return vocabulary.score(a) > vocabulary.score(b); });
  std::vector<int32_t> ranks(order.size());
  int32_t rank = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && vocabulary.score(order[i]) != vocabulary.score(order[i - 1])) ++rank;
    ranks[static_cast<size_t>(order[i])] = rank;
  }
  return ranks;
}

std::string mark_spaces(std::string_view text, bool adds_space) {
  std::string marked;
  marked.reserve(text.size() + text.size() / 2 + space_mark.size());
  if (adds_space) marked += space_mark;
  for (const char c : text) {
    if (c == ' ') {
      marked += space_mark;
    } else {
      marked.push_back(c);
    }
  }
  return marked;
}

}  // namespace

std::optional<uint8_t> byte_of_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  const int high = hex_digit(text[3]);
  const int low = hex_digit(text[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<uint8_t>(high * 16 + low);
}

SpmEncoder::SpmEncoder(const Vocabulary& vocabulary, bool adds_space)
    : vocabulary_(vocabulary),
      adds_space_(adds_space),
      pieces_(static_cast<size_t>(vocabulary.size())),
      ranks_(rank_by_score(vocabulary)),
      memos_{WordMemo(static_cast<size_t>(vocabulary.size())),
             WordMemo(static_cast<size_t>(vocabulary.size()))} {
  byte_tokens_.fill(-1);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const TokenKind kind = vocabulary.kind(id);
    const std::string_view text = vocabulary.text(id);
    if (kind == TokenKind::byte) {
      if (const auto byte = byte_of_token(text)) byte_tokens_[*byte] = id;
    }
    pieces_.add(text, id);
    if (has_inner_space(text)) cuts_at_spaces_ = false;
  }
}

std::optional<TokenId> SpmEncoder::find_piece(std::string_view text, ControlTokens controls) const {
  const auto id = pieces_.find(text);
  if (!id || controls == ControlTokens::reachable) return id;
  const TokenKind kind = vocabulary_.kind(*id);
  if (kind == TokenKind::control || kind == TokenKind::unknown) return std::nullopt;
  return id;
}

// Merges cannot cross a cut, so the words between cuts can be encoded one by one.
bool SpmEncoder::is_cut(std::string_view text, size_t position) const {
  if (!cuts_at_spaces_ || !text.substr(position).starts_with(space_mark)) return false;
  return position < space_mark.size() ||
         text.substr(position - space_mark.size(), space_mark.size()) != space_mark;
}

void SpmEncoder::encode(std::string_view text, bool begins, ControlTokens controls,
                        std::vector<TokenId>& ids) const {
  const std::string marked = mark_spaces(text, adds_space_ && begins);
  MergeScratch scratch;
  size_t begin = 0;
  while (begin < marked.size()) {
    size_t end = marked.find(space_mark[0], begin + 1);
    while (end < marked.size() && !is_cut(marked, end)) end = marked.find(space_mark[0], end + 1);
    end = std::min(end, marked.size());
    encode_word(std::string_view(marked).substr(begin, end - begin), controls, scratch, ids);
    begin = end;
  }
}

void SpmEncoder::encode_word(std::string_view word, ControlTokens controls, MergeScratch& scratch,
                             std::vector<TokenId>& ids) const {
  const WordMemo& memo = memos_[static_cast<size_t>(controls)];
  const std::optional<TokenId> whole = find_piece(word, controls);
  if (whole && memo.get(*whole) == WordMemo::Answer::yes) {
    ids.push_back(*whole);
    return;
  }
  scratch.symbols.clear();
  for (size_t at = 0; at < word.size();) {
    const auto size = static_cast<uint32_t>(decode_utf8(word.substr(at)).size_bytes);
    scratch.symbols.push_back({find_piece(word.substr(at, size), controls).value_or(-1),
                               static_cast<uint32_t>(at), size});
    at += size;
  }
  merge_word(scratch, [&](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    const auto id = find_piece(word.substr(left.begin, left.size + right.size), controls);
    if (!id) return std::nullopt;
    return Merge{ranks_[static_cast<size_t>(*id)], *id};
  });
  for (const Symbol& symbol : scratch.symbols) {
    if (symbol.id >= 0) {
      ids.push_back(symbol.id);
    } else {
      append_character(word.substr(symbol.begin, symbol.size), ids);
    }
  }
  if (whole) memo.set(*whole, scratch.symbols.size() == 1);
}

// Vocabularies without byte tokens have one unknown token per character, or nothing at all.
void SpmEncoder::append_character(std::string_view bytes, std::vector<TokenId>& ids) const {
  const auto token_of = [this](char c) { return byte_tokens_[static_cast<unsigned char>(c)]; };
  if (std::all_of(bytes.begin(), bytes.end(), [&](char c) { return token_of(c) >= 0; })) {
    for (const char c : bytes) ids.push_back(token_of(c));
  } else if (const auto unknown = vocabulary_.roles().unknown) {
    ids.push_back(*unknown);
  }
}

}  // namespace hearth::engine
