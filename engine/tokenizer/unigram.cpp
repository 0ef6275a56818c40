#include "engine/tokenizer/unigram.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/utf8.h"
#include "engine/tokenizer/space_marks.h"

namespace hearth::engine {
namespace {

// A character no piece begins with costs this much more than the least likely piece.
constexpr float unknown_penalty = 10.0f;

ByteTrie usable_pieces(const Vocabulary& vocabulary) {
  std::vector<std::pair<std::string_view, TokenId>> entries;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.is_text(id) && vocabulary.kind(id) != TokenKind::byte)
      entries.emplace_back(vocabulary.text(id), id);
  }
  return ByteTrie(std::move(entries));
}

}  // namespace

UnigramEncoder::UnigramEncoder(const Vocabulary& vocabulary, UnigramNormalizer normalizer)
    : vocabulary_(vocabulary),
      normalizer_(std::move(normalizer)),
      pieces_(usable_pieces(vocabulary)) {
  float least = std::numeric_limits<float>::max();
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const bool is_user_defined = vocabulary.kind(id) == TokenKind::user_defined;
    scores_.push_back(is_user_defined ? 0.0 : vocabulary.score(id));
    if (vocabulary.kind(id) == TokenKind::normal) least = std::min(least, vocabulary.score(id));
  }
  unknown_score_ = least - unknown_penalty;
}

std::string UnigramEncoder::normalize(std::string_view text) const {
  std::string result;
  result.reserve(text.size() + text.size() / 2 + space_mark.size());
  bool in_word = false;
  bool has_space = !normalizer_.adds_space;
  const auto append = [&](std::string_view piece) {
    for (const char c : piece) {
      if (c == ' ') {
        in_word = false;
        if (!normalizer_.joins_spaces) result += space_mark;
        continue;
      }
      if (!in_word && (!has_space || normalizer_.joins_spaces)) {
        result += space_mark;
        has_space = true;
      }
      in_word = true;
      result.push_back(c);
    }
  };
  while (!text.empty()) {
    size_t size = 0;
    if (const auto replacement = normalizer_.map.find(text)) {
      append(replacement->text);
      size = replacement->size;
    } else {
      const CodePoint c = decode_utf8(text);
      size = static_cast<size_t>(c.size_bytes);
      append(c.is_valid ? text.substr(0, size) : std::string_view("\xEF\xBF\xBD"));
    }
    text.remove_prefix(size);
  }
  return result;
}

// Offers every piece that begins at `at`, and the unknown token where none is that character.
// `text` begins at position `at`, which some way reaches.
void UnigramEncoder::extend(std::string_view text, size_t character_bytes, size_t at,
                            std::vector<Best>& best) const {
  const double score = best[at].score;
  const auto offer = [&](size_t size, TokenId id, double piece_score) {
    if (best.size() <= at + size) {
      best.resize(at + size + 1, {-std::numeric_limits<double>::max(), -1, 0});
    }
    Best& old = best[at + size];
    if (score + piece_score > old.score)
      old = {score + piece_score, id, static_cast<uint32_t>(size)};
  };
  bool has_character = false;
  ByteTrie::Node node = ByteTrie::root;
  for (size_t size = 1; size <= text.size(); ++size) {
    node = pieces_.step(node, text[size - 1]);
    if (node == ByteTrie::none) break;
    const TokenId id = pieces_.id(node);
    if (id < 0) continue;
    has_character = has_character || size == character_bytes;
    offer(size, id, scores_[static_cast<size_t>(id)]);
  }
  if (!has_character) offer(character_bytes, *vocabulary_.roles().unknown, unknown_score_);
}

// Appends the pieces that lead to the last position. Unknown characters in a row are one token; ids
// from `first` on belong to the same text.
void UnigramEncoder::take_best(const std::vector<Best>& best, size_t first,
                               std::vector<TokenId>& ids) const {
  const TokenId unknown = *vocabulary_.roles().unknown;
  const size_t begin = ids.size();
  for (size_t at = best.size() - 1; at > 0; at -= best[at].size) {
    if (best[at].id != unknown || ids.size() == begin || ids.back() != unknown)
      ids.push_back(best[at].id);
  }
  std::reverse(ids.begin() + static_cast<ptrdiff_t>(begin), ids.end());
  if (begin > first && ids[begin] == unknown && ids[begin - 1] == unknown)
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(begin));
}

void UnigramEncoder::encode(std::string_view text, bool, ControlTokens,
                            std::vector<TokenId>& ids) const {
  const std::string normalized = normalize(text);
  const size_t first = ids.size();
  std::vector<Best> best{{0.0, -1, 0}};  // from `begin` to the farthest piece
  size_t begin = 0;
  for (size_t at = 0; at < normalized.size();) {
    // Where no piece crosses a position, everything before it is decided: memory follows the
    // longest undecided stretch, not the text.
    if (at > begin && best.size() == at - begin + 1) {
      take_best(best, first, ids);
      best.assign(1, {best.back().score, -1, 0});
      begin = at;
    }
    const auto rest = std::string_view(normalized).substr(at);
    const auto character_bytes = static_cast<size_t>(decode_utf8(rest).size_bytes);
    extend(rest, character_bytes, at - begin, best);
    at += character_bytes;
  }
  if (normalized.size() > begin) take_best(best, first, ids);
}

}  // namespace hearth::engine
