// Remembers which tokens their own spelling is encoded to. Most words of a text are one token; with
// the answer remembered they need one look-up instead of a run of the merge algorithm.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

// Thread-safe: threads may compute the same answer twice, never different ones.
class WordMemo {
 public:
  enum class Answer : uint8_t { unknown, no, yes };

  explicit WordMemo(size_t token_count) : answers_(token_count) {}

  Answer get(TokenId id) const {
    return answers_[static_cast<size_t>(id)].load(std::memory_order_relaxed);
  }
  void set(TokenId id, bool encodes_to_itself) const {
    answers_[static_cast<size_t>(id)].store(encodes_to_itself ? Answer::yes : Answer::no,
                                            std::memory_order_relaxed);
  }

 private:
  mutable std::vector<std::atomic<Answer>> answers_;
};

}  // namespace hearth::engine
