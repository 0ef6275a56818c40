#include "engine/constraint/token_masks.h"

#include <algorithm>

namespace hearth::engine {
namespace {

constexpr size_t listed_tokens_max = 512;  // above that a bitset is smaller or faster
constexpr size_t known_max = 24;

// Where a walk through the trie stands in a terminal.
struct Place {
  uint32_t state = 0;
  uint32_t count = 0;        // repetitions completed in this token
  bool is_complete = false;  // the terminal, or a repetition, ends exactly here
};

struct Found {
  uint8_t byte;
  TerminalMask::Behind behind;
};

void sort_by_byte(const std::vector<Found>& found, TerminalMask& mask) {
  for (const Found& f : found) ++mask.first_behind[size_t{f.byte} + 1];
  for (size_t byte = 0; byte < 256; ++byte) {
    if (mask.first_behind[byte + 1] > 0) mask.behind_bytes.push_back(static_cast<uint8_t>(byte));
    mask.first_behind[byte + 1] += mask.first_behind[byte];
  }
  std::array<uint32_t, 257> next = mask.first_behind;
  mask.behind.resize(found.size());
  for (const Found& f : found) mask.behind[next[f.byte]++] = f.behind;
}

void set_bit(std::span<uint64_t> words, TokenId token) {
  words[static_cast<size_t>(token) / 64] |= uint64_t{1} << (token % 64);
}

}  // namespace

std::unique_ptr<TerminalMask> make_terminal_mask(const VocabularyTrie& trie, LazyDfa& dfa,
                                                 uint32_t state, bool is_counted) {
  auto mask = std::make_unique<TerminalMask>();
  std::vector<Found> found;
  const std::span<const VocabularyTrie::Node> nodes = trie.nodes();
  std::array<Place, VocabularyTrie::depth_max + 1> places;
  std::array<uint32_t, VocabularyTrie::depth_max + 1> ends;
  size_t depth = 0;
  places[0] = {state, 0, false};
  ends[0] = static_cast<uint32_t>(nodes.size());
  for (uint32_t i = 0; i < nodes.size();) {
    const VocabularyTrie::Node& node = nodes[i];
    while (i >= ends[depth]) --depth;
    const Place& above = places[depth];
    if (above.is_complete) found.push_back({node.byte, {i, above.count}});
    const uint32_t next = dfa.next(above.state, node.byte);
    if (next == LazyDfa::dead) {
      i = node.end;
      continue;
    }
    const bool is_complete = dfa.accepts(next);
    Place place{next, above.count, is_complete};
    if (is_counted && is_complete) place = {LazyDfa::start, above.count + 1, true};
    if (node.token >= 0) {
      const uint32_t count = is_counted && !is_complete ? place.count + 1 : place.count;
      trie.for_each_token(node, [&](TokenId id) { mask->tokens.push_back({id, count}); });
      mask->count_max = std::max(mask->count_max, count);
    }
    if (node.end > i + 1) {
      ++depth;
      places[depth] = place;
      ends[depth] = node.end;
    }
    ++i;
  }
  sort_by_byte(found, *mask);
  if (mask->tokens.size() > listed_tokens_max) {
    mask->bits.assign(trie.word_count(), 0);
    for (const TerminalMask::Inside& inside : mask->tokens) set_bit(mask->bits, inside.token);
    if (!is_counted) std::vector<TerminalMask::Inside>().swap(mask->tokens);
  }
  if (is_counted) mask->upto.resize(mask->count_max);
  return mask;
}

TokenMasks::TokenMasks(const VocabularyTrie& trie, Matcher& matcher)
    : trie_(trie),
      matcher_(matcher),
      words_(trie.word_count()),
      ends_(VocabularyTrie::depth_max + 1),
      states_(VocabularyTrie::depth_max + 1) {}

std::span<const uint64_t> TokenMasks::of(Matcher::State state) {
  for (const auto& [known, words] : known_) {
    if (known == state) return words;
  }
  std::fill(words_.begin(), words_.end(), 0);
  if (matcher_.can_end(state)) {
    for (const TokenId token : trie_.end_tokens()) set_bit(words_, token);
  }
  const size_t count = matcher_.thread_count(state);
  for (size_t i = 0; i < count; ++i) add_thread(matcher_.thread(state, i));
  std::vector<uint64_t> spare;
  if (known_.size() == known_max) {
    spare = std::move(known_.back().second);
    known_.pop_back();
  }
  spare.assign(words_.begin(), words_.end());
  known_.emplace_front(state, std::move(spare));
  return known_.front().second;
}

TerminalMask& TokenMasks::mask_of(const Matcher::Thread& thread) {
  TerminalTable& table = matcher_.table(thread.terminal);
  // One walk may make states, so the length is looked at behind it.
  if (table.masks.size() <= thread.state || !table.masks[thread.state]) {
    std::unique_ptr<TerminalMask> mask = make_terminal_mask(
        trie_, table.dfa, thread.state, matcher_.terminal(thread.terminal).is_counted);
    if (table.masks.size() <= thread.state) table.masks.resize(table.dfa.state_count());
    table.masks[thread.state] = std::move(mask);
  }
  return *table.masks[thread.state];
}

void TokenMasks::add_thread(const Matcher::Thread& thread) {
  TerminalMask& mask = mask_of(thread);
  const Program::Terminal& terminal = matcher_.terminal(thread.terminal);
  if (!terminal.is_counted || terminal.most == unbounded) {
    add_inside(mask);
  } else {
    add_counted(mask, terminal.most - thread.count);
  }
  if (!mask.behind.empty()) add_behind(mask, thread);
}

void TokenMasks::add_inside(const TerminalMask& mask) {
  if (!mask.bits.empty()) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= mask.bits[i];
  } else {
    for (const TerminalMask::Inside& inside : mask.tokens) set_bit(words_, inside.token);
  }
}

void TokenMasks::add_counted(TerminalMask& mask, int64_t room) {
  if (room >= mask.count_max) return add_inside(mask);
  std::vector<uint64_t>& bits = mask.upto[static_cast<size_t>(room)];
  if (bits.empty()) {
    bits.assign(trie_.word_count(), 0);
    for (const TerminalMask::Inside& inside : mask.tokens) {
      if (inside.count <= room) set_bit(bits, inside.token);
    }
  }
  for (size_t i = 0; i < words_.size(); ++i) words_[i] |= bits[i];
}

void TokenMasks::add_behind(const TerminalMask& mask, const Matcher::Thread& thread) {
  const Program::Terminal& terminal = matcher_.terminal(thread.terminal);
  const Matcher::State behind = matcher_.completed(thread);
  if (matcher_.thread_count(behind) == 0) return;
  const auto fits = [&](const TerminalMask::Behind& place) {
    if (!terminal.is_counted) return true;
    const int64_t count = int64_t{thread.count} + place.count;
    return count >= terminal.least && (terminal.most == unbounded || count <= terminal.most);
  };
  for (const uint8_t byte : mask.behind_bytes) {
    const Matcher::State next = matcher_.step(behind, byte);
    if (next == Matcher::dead) continue;
    for (uint32_t i = mask.first_behind[byte]; i < mask.first_behind[size_t{byte} + 1]; ++i) {
      if (fits(mask.behind[i])) walk(mask.behind[i].node, next);
    }
  }
}

// Tokens of a subtree, the grammar being in `state` behind the subtree's first byte.
void TokenMasks::walk(uint32_t first, Matcher::State state) {
  const std::span<const VocabularyTrie::Node> nodes = trie_.nodes();
  trie_.mark(nodes[first], words_);
  size_t depth = 0;
  ends_[0] = nodes[first].end;
  states_[0] = state;
  for (uint32_t i = first + 1; i < ends_[0];) {
    while (i >= ends_[depth]) --depth;
    const VocabularyTrie::Node& node = nodes[i];
    const Matcher::State next = matcher_.step(states_[depth], node.byte);
    if (next == Matcher::dead) {
      i = node.end;
      continue;
    }
    trie_.mark(node, words_);
    if (node.end > i + 1) {
      ++depth;
      ends_[depth] = node.end;
      states_[depth] = next;
    }
    ++i;
  }
}

}  // namespace hearth::engine
