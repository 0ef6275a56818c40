// Which tokens of a vocabulary can come next. Per state of a terminal the vocabulary is walked
// once: tokens that stay inside the terminal are a ready bitset, and of those that leave it only
// the places where they do are kept. What comes behind the terminal is looked at there and nowhere
// else, so that a new place in a grammar costs microseconds.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "engine/constraint/matcher.h"
#include "engine/constraint/terminal_mask.h"
#include "engine/constraint/vocabulary_trie.h"

namespace hearth::engine {

class TokenMasks {
 public:
  // Both must outlive this.
  TokenMasks(const VocabularyTrie& trie, Matcher& matcher);

  // A bit per token: those that the grammar can go on with, and those that end the answer where it
  // can end. Valid until the next call. Throws as Matcher::step.
  std::span<const uint64_t> of(Matcher::State state);
  // The matcher has forgotten its states.
  void restart() { known_.clear(); }

 private:
  void add_thread(const Matcher::Thread& thread);
  void add_inside(const TerminalMask& mask);
  void add_counted(TerminalMask& mask, int64_t room);
  void add_behind(const TerminalMask& mask, const Matcher::Thread& thread);
  void walk(uint32_t node, Matcher::State state);
  TerminalMask& mask_of(const Matcher::Thread& thread);

  const VocabularyTrie& trie_;
  Matcher& matcher_;
  std::vector<uint64_t> words_;
  std::deque<std::pair<Matcher::State, std::vector<uint64_t>>> known_;  // the last ones
  std::vector<uint32_t> ends_;
  std::vector<Matcher::State> states_;
};

// Walks the vocabulary with a terminal that stands in `state`.
std::unique_ptr<TerminalMask> make_terminal_mask(const VocabularyTrie& trie, LazyDfa& dfa,
                                                 uint32_t state, bool is_counted);

}  // namespace hearth::engine
