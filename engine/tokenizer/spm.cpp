#include "engine/tokenizer/spm.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/utf8.h"
#include "engine/tokenizer/space_marks.h"
#include "engine/tokenizer/word_cache.h"

namespace hearth::engine {
namespace {

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

}  // namespace

SpmEncoder::SpmEncoder(const Vocabulary& vocabulary, bool adds_space)
    : vocabulary_(vocabulary),
      adds_space_(adds_space),
      pieces_(spelling_trie(vocabulary)),
      ranks_(rank_by_score(vocabulary)),
      byte_tokens_(vocabulary),
      memos_{WordMemo(static_cast<size_t>(vocabulary.size())),
             WordMemo(static_cast<size_t>(vocabulary.size()))} {
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    constexpr size_t giant_bytes = 1024;
    if (has_inner_mark(vocabulary.text(id))) cuts_at_spaces_ = false;
    if (vocabulary.text(id).size() > giant_bytes) has_giants_ = true;
  }
}

// The piece whose spelling ends at the node; -1 when there is none or it must not be reached.
TokenId SpmEncoder::piece_at(ByteTrie::Node node, ControlTokens controls) const {
  if (node == ByteTrie::none) return -1;
  const TokenId id = pieces_.id(node);
  if (id < 0 || controls == ControlTokens::reachable) return id;
  return vocabulary_.is_text(id) ? id : -1;
}

// Merges cannot cross a cut, so the stretches between cuts can be encoded one by one. A long word,
// which begins at `begin` or before and ends at `end`, is cut wherever no piece lies across.
size_t SpmEncoder::next_cut(std::string_view marked, size_t begin, size_t end) const {
  constexpr size_t long_bytes = 64;
  if (end - begin <= long_bytes || has_giants_) return end;
  size_t reach = begin;  // where the pieces that begin so far end at most
  for (size_t at = begin; at < end;) {
    if (at > begin && at >= reach) return at;
    const size_t next = at + static_cast<size_t>(decode_utf8(marked.substr(at)).size_bytes);
    ByteTrie::Node node = ByteTrie::root;
    for (size_t i = at; i < end;) {
      node = pieces_.step(node, marked[i++]);
      if (node == ByteTrie::none) break;
      if (pieces_.id(node) >= 0) reach = std::max(reach, i);
    }
    reach = std::max(reach, next);
    at = next;
  }
  return end;
}

void SpmEncoder::encode(std::string_view text, bool begins, ControlTokens controls,
                        std::vector<TokenId>& ids) const {
  const std::string marked = mark_spaces(text, adds_space_ && begins);
  MergeScratch scratch;
  WordCache cache(marked.size());
  size_t word_end = 0;
  for (size_t begin = 0; begin < marked.size();) {
    if (begin == word_end) word_end = cuts_at_spaces_ ? next_word(marked, begin) : marked.size();
    const size_t end = next_cut(marked, begin, word_end);
    const auto word = std::string_view(marked).substr(begin, end - begin);
    cache.append(word, ids, [&] { encode_word(word, controls, scratch, ids); });
    begin = end;
  }
}

void SpmEncoder::encode_word(std::string_view word, ControlTokens controls, MergeScratch& scratch,
                             std::vector<TokenId>& ids) const {
  const WordMemo& memo = memos_[static_cast<size_t>(controls)];
  const TokenId whole = piece_at(pieces_.walk(ByteTrie::root, word), controls);
  if (whole >= 0 && memo.get(whole) == WordMemo::Answer::yes) {
    ids.push_back(whole);
    return;
  }
  // While they are merged, symbols carry the node behind their bytes instead of a token: what two
  // neighbours give together is found by walking on from the left one's.
  scratch.symbols.clear();
  for (size_t at = 0; at < word.size();) {
    const auto size = static_cast<uint32_t>(decode_utf8(word.substr(at)).size_bytes);
    scratch.symbols.push_back(
        {pieces_.walk(ByteTrie::root, word.substr(at, size)), static_cast<uint32_t>(at), size});
    at += size;
  }
  merge_word(scratch, [&](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    const ByteTrie::Node node = pieces_.walk(left.id, word.substr(right.begin, right.size));
    const TokenId id = piece_at(node, controls);
    if (id < 0) return std::nullopt;
    return Merge{ranks_[static_cast<size_t>(id)], node};
  });
  for (const Symbol& symbol : scratch.symbols) {
    if (const TokenId id = piece_at(symbol.id, controls); id >= 0) {
      ids.push_back(id);
    } else {
      byte_tokens_.append(word.substr(symbol.begin, symbol.size), ids);
    }
  }
  if (whole >= 0) memo.set(whole, scratch.symbols.size() == 1);
}

}  // namespace hearth::engine
