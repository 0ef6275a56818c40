// Where the end of a sequence stood before: what followed there is a guess at what follows now.
// Hash chains over the last 2 and the last 4 tokens, as compressors have them; a match that goes on
// is followed without searching. Memory grows with the tokens, the work per token is bounded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

class LookupIndex {
 public:
  static constexpr int64_t length_max = 32;  // longer matches count as this

  // `tokens` are those given before and any number of new ones behind them.
  void extend(std::span<const TokenId> tokens);
  // As before the first token.
  void clear();

  int64_t token_count() const { return token_count_; }
  // How many of the last tokens stood in the same order before, as found by the last extend().
  // Shorter matches than 2 are not found: 0.
  int64_t match_length() const { return match_length_; }
  // The `index`-th token behind the match. A match that reaches into what it guesses repeats
  // itself. match_length() > 0; `tokens` as given to extend().
  TokenId guess(std::span<const TokenId> tokens, int64_t index) const;

 private:
  // The ends of all runs of `length` tokens by their hash; of equal hashes the last first.
  struct Chains {
    int64_t length = 0;
    int32_t candidates_max = 0;  // looked at in one search
    std::vector<int32_t> heads;  // by hash; a power of two of them
    std::vector<int32_t> previous;
  };

  void add(Chains& chains, std::span<const TokenId> tokens, int64_t end);
  void grow(Chains& chains, std::span<const TokenId> tokens);
  void search(const Chains& chains, std::span<const TokenId> tokens);

  Chains long_{4, 16, {}, {}};
  Chains short_{2, 8, {}, {}};
  int64_t token_count_ = 0;
  int64_t match_length_ = 0;
  int64_t match_end_ = 0;  // behind the earlier occurrence
};

}  // namespace hearth::engine
