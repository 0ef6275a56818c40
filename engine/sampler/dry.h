// DRY ("don't repeat yourself"): a token that would continue a repetition of the text so far loses
// more the longer the repetition already is. Sequence breakers (line ends, quotes) end repetitions.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

// The tokenizations of the breaker strings: a token and what must follow it.
class DryBreakers {
 public:
  explicit DryBreakers(int64_t vocab_size) : is_head_(static_cast<size_t>(vocab_size), false) {}

  // `head` ends in (the beginning of) a breaker, `tail` is the rest of it. Ids outside the
  // vocabulary are ignored.
  void add(TokenId head, std::vector<TokenId> tail);

  // Length of the longest breaker that begins at `recent[at]` (which is its head) and lies within
  // `recent`, newest token first; its head not counted. -1 when none begins there.
  int64_t tail_at(std::span<const TokenId> recent, size_t at) const;
  // Whether the token alone holds a breaker.
  bool is_whole(TokenId token) const;

 private:
  struct Entry {
    TokenId head;
    std::vector<TokenId> tail;
  };

  std::span<const Entry> entries_of(TokenId head) const;

  std::vector<bool> is_head_;
  std::vector<Entry> entries_;  // sorted by head
};

struct DryOptions {
  float multiplier = 0;  // 0: off
  float base = 1.75f;    // below 1: off
  int64_t allowed_length = 2;
  int64_t last_n = 0;  // tokens looked back on; 0: off
};

class DryPenalty {
 public:
  // `breakers` may be null. They are shared because making them looks at the whole vocabulary, and
  // most sequences have the same.
  DryPenalty(const DryOptions& options, std::shared_ptr<const DryBreakers> breakers,
             int64_t vocab_size);

  bool is_off() const { return history_.empty(); }
  // Ids outside the vocabulary are ignored.
  void accept(TokenId token);
  // Lowers the logits of tokens that would continue a repetition. O(last_n).
  void apply(std::span<float> logits);

 private:
  void unroll();
  int64_t longest_allowed() const;
  void measure_repeats(int64_t limit);

  DryOptions options_;
  std::shared_ptr<const DryBreakers> breakers_;  // shared: see the constructor
  int64_t vocab_size_;
  std::vector<TokenId> history_;  // ring of last_n tokens
  size_t next_ = 0;
  size_t size_ = 0;
  std::vector<TokenId> recent_;   // the history, newest first
  std::vector<int64_t> repeats_;  // how many of the newest tokens also stand there, going back
  std::vector<TokenId> touched_;
  std::vector<int64_t> worst_;  // per token of the vocabulary: the longest repetition it continues
};

}  // namespace hearth::engine
