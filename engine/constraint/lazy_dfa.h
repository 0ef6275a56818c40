// A terminal as a deterministic automaton over bytes. States are made when they are first reached,
// so that an automaton that would be exponentially large costs what is used of it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/constraint/byte_nfa.h"
#include "engine/constraint/span_pool.h"

namespace hearth::engine {

// Not thread-safe: it grows while it is used.
class LazyDfa {
 public:
  static constexpr uint32_t dead = 0;
  static constexpr uint32_t start = 1;

  explicit LazyDfa(ByteNfa nfa);

  // Every state but `dead` leads to an end. Throws Error{unsupported} when there are too many.
  uint32_t next(uint32_t state, uint8_t byte) {
    if (!is_expanded_[state]) expand(state);
    return next_[size_t{256} * state + byte];
  }
  bool accepts(uint32_t state) const { return accepts_[state] != 0; }
  // Whether any byte leads on from here.
  bool goes_on(uint32_t state) const { return goes_on_[state] != 0; }
  size_t state_count() const { return accepts_.size(); }
  size_t bytes() const;

 private:
  void expand(uint32_t state);
  uint32_t state_of(std::vector<uint32_t>& members);

  ByteNfa nfa_;
  SpanPool members_;  // states of the nfa, sorted
  std::vector<uint32_t> next_;
  std::vector<uint8_t> is_expanded_;
  std::vector<uint8_t> accepts_;
  std::vector<uint8_t> goes_on_;
};

}  // namespace hearth::engine
