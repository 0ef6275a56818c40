#include "engine/sampler/token_bits.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace hearth::engine {

void forbid_tokens(std::span<float> logits, std::span<const uint64_t> allowed) {
  constexpr float minus_infinity = -std::numeric_limits<float>::infinity();
  for (size_t first = 0, word = 0; first < logits.size(); first += 64, ++word) {
    const auto part = logits.subspan(first, std::min<size_t>(64, logits.size() - first));
    uint64_t bits = allowed[word];
    if (bits == 0) {
      std::fill(part.begin(), part.end(), minus_infinity);
    } else if (~bits != 0) {
      for (float& logit : part) {
        logit = (bits & 1) != 0 ? logit : minus_infinity;
        bits >>= 1;
      }
    }
  }
}

size_t count_tokens(std::span<const uint64_t> tokens, size_t most) {
  size_t count = 0;
  for (size_t i = 0; i < tokens.size() && count <= most; ++i)
    count += static_cast<size_t>(std::popcount(tokens[i]));
  return count;
}

}  // namespace hearth::engine
