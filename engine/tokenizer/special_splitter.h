// Finds the tokens that are matched by their spelling before the ordinary algorithm runs: control
// tokens (<|im_start|>) and user-defined ones. The longest token wins wherever it stands, then the
// leftmost. One pass of an Aho-Corasick automaton finds all candidates whatever their number; time
// and memory are O(n log n) and O(n) for hostile text too.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/token_id.h"
#include "engine/tokenizer/vocabulary.h"

namespace hearth::engine {

struct SpecialMatch {
  size_t begin = 0;
  size_t end = 0;
  TokenId id = -1;
};

// Bytes [begin, end) of the text.
struct TextRange {
  size_t begin = 0;
  size_t end = 0;
};

class SpecialSplitter {
 public:
  // Views into the vocabulary are not kept.
  explicit SpecialSplitter(const Vocabulary& vocabulary);

  // Matches in text order, without overlap. User-defined tokens match anywhere; control and unknown
  // ones only inside one of the `trusted` ranges, which are ascending and apart.
  std::vector<SpecialMatch> find(std::string_view text, std::span<const TextRange> trusted) const;

 private:
  struct Node {
    int32_t first_child =
        -1;  // children are linked by next_sibling until the automaton is complete
    int32_t next_sibling = -1;
    int32_t fallback = 0;
    int32_t shorter = -1;  // nearest state on the fallback chain where a token ends
    TokenId token = -1;
    int32_t depth = 0;
    char byte = 0;
  };
  struct Occurrence;

  void insert(std::string_view text, TokenId id);
  int32_t child(int32_t node, char byte) const;
  void link();
  int32_t step(int32_t state, char byte) const;
  bool is_allowed(const SpecialMatch& match, std::span<const TextRange> trusted) const;

  std::vector<Node> nodes_;
  std::vector<bool> needs_trust_;       // per token
  std::array<int32_t, 256> from_root_;  // the root has many children and is the usual state
  std::array<bool, 256> is_first_{};    // bytes some token begins with
};

}  // namespace hearth::engine
