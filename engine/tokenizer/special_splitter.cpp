#include "engine/tokenizer/special_splitter.h"

#include <algorithm>
#include <queue>

namespace hearth::engine {

// A token that ends at `end`; shorter ones that end there too are found through `state`.
struct SpecialSplitter::Occurrence {
  SpecialMatch match;
  int32_t state;

  size_t length() const { return match.end - match.begin; }
  // For a heap that gives the longest first, then the leftmost.
  bool operator<(const Occurrence& other) const {
    if (length() != other.length()) return length() < other.length();
    return match.begin > other.match.begin;
  }
};

SpecialSplitter::SpecialSplitter(const Vocabulary& vocabulary) : nodes_(1) {
  needs_trust_.assign(static_cast<size_t>(vocabulary.size()), false);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const TokenKind kind = vocabulary.kind(id);
    const bool needs_trust = kind == TokenKind::control || kind == TokenKind::unknown;
    if (!needs_trust && kind != TokenKind::user_defined) continue;
    needs_trust_[static_cast<size_t>(id)] = needs_trust;
    insert(vocabulary.text(id), id);
  }
  link();
}

int32_t SpecialSplitter::child(int32_t node, char byte) const {
  int32_t i = nodes_[static_cast<size_t>(node)].first_child;
  while (i >= 0 && nodes_[static_cast<size_t>(i)].byte != byte)
    i = nodes_[static_cast<size_t>(i)].next_sibling;
  return i;
}

void SpecialSplitter::insert(std::string_view text, TokenId id) {
  if (text.empty()) return;
  int32_t node = 0;
  for (const char byte : text) {
    int32_t next = child(node, byte);
    if (next < 0) {
      next = static_cast<int32_t>(nodes_.size());
      Node& parent = nodes_[static_cast<size_t>(node)];
      Node fresh;
      fresh.byte = byte;
      fresh.depth = parent.depth + 1;
      fresh.next_sibling = parent.first_child;
      parent.first_child = next;
      nodes_.push_back(fresh);
    }
    node = next;
  }
  TokenId& token = nodes_[static_cast<size_t>(node)].token;
  if (token < 0) token = id;
}

// Breadth first, so that a node's fallback is complete before its children ask for it.
void SpecialSplitter::link() {
  from_root_.fill(0);
  std::vector<int32_t> order;
  order.reserve(nodes_.size());
  for (int32_t i = nodes_[0].first_child; i >= 0; i = nodes_[static_cast<size_t>(i)].next_sibling) {
    const auto byte = static_cast<unsigned char>(nodes_[static_cast<size_t>(i)].byte);
    from_root_[byte] = i;
    is_first_[byte] = true;
    order.push_back(i);
  }
  for (size_t at = 0; at < order.size(); ++at) {
    const Node node = nodes_[static_cast<size_t>(order[at])];
    for (int32_t i = node.first_child; i >= 0; i = nodes_[static_cast<size_t>(i)].next_sibling) {
      Node& next = nodes_[static_cast<size_t>(i)];
      next.fallback = step(node.fallback, next.byte);
      const Node& fallback = nodes_[static_cast<size_t>(next.fallback)];
      next.shorter = fallback.token >= 0 ? next.fallback : fallback.shorter;
      order.push_back(i);
    }
  }
}

int32_t SpecialSplitter::step(int32_t state, char byte) const {
  while (state != 0) {
    const int32_t next = child(state, byte);
    if (next >= 0) return next;
    state = nodes_[static_cast<size_t>(state)].fallback;
  }
  return from_root_[static_cast<unsigned char>(byte)];
}

bool SpecialSplitter::is_allowed(const SpecialMatch& match,
                                 std::span<const TextRange> trusted) const {
  if (!needs_trust_[static_cast<size_t>(match.id)]) return true;
  const auto after = std::upper_bound(
      trusted.begin(), trusted.end(), match.begin,
      [](size_t position, const TextRange& range) { return position < range.begin; });
  return after != trusted.begin() && match.end <= std::prev(after)->end;
}

std::vector<SpecialMatch> SpecialSplitter::find(std::string_view text,
                                                std::span<const TextRange> trusted) const {
  std::vector<Occurrence> found;
  // The longest allowed token of at most `length_max` bytes that ends at `end`, among those on the
  // chain from `state`.
  const auto longest = [&](int32_t state, size_t end, size_t length_max) -> Occurrence {
    for (int32_t s = state; s > 0; s = nodes_[static_cast<size_t>(s)].shorter) {
      const Node& node = nodes_[static_cast<size_t>(s)];
      const auto length = static_cast<size_t>(node.depth);
      if (node.token < 0 || length > length_max) continue;
      const SpecialMatch match{end - length, end, node.token};
      if (is_allowed(match, trusted)) return {match, s};
    }
    return {{end, end, -1}, 0};
  };
  int32_t state = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (state == 0 && !is_first_[static_cast<unsigned char>(text[i])]) continue;
    state = step(state, text[i]);
    const Occurrence occurrence = longest(state, i + 1, i + 1);
    if (occurrence.match.id >= 0) found.push_back(occurrence);
  }
  if (found.empty()) return {};

  // Accepted tokens are at least as long as later ones, so an overlap always covers the first or
  // the last byte.
  std::priority_queue<Occurrence> queue(std::less<Occurrence>(), std::move(found));
  std::vector<uint32_t> covered_until(text.size(), 0);
  std::vector<SpecialMatch> matches;
  while (!queue.empty()) {
    const Occurrence best = queue.top();
    queue.pop();
    if (covered_until[best.match.end - 1] != 0) continue;
    if (const size_t until = covered_until[best.match.begin]; until != 0) {
      const Occurrence shorter = longest(best.state, best.match.end, best.match.end - until);
      if (shorter.match.id >= 0) queue.push(shorter);
      continue;
    }
    std::fill(covered_until.begin() + static_cast<ptrdiff_t>(best.match.begin),
              covered_until.begin() + static_cast<ptrdiff_t>(best.match.end),
              static_cast<uint32_t>(best.match.end));
    matches.push_back(best.match);
  }
  std::sort(matches.begin(), matches.end(),
            [](const SpecialMatch& a, const SpecialMatch& b) { return a.begin < b.begin; });
  return matches;
}

}  // namespace hearth::engine
