#include "engine/sampler/token_bits.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace hearth::engine {

void forbid_tokens(std::span<float> logits, std::span<const uint64_t> allowed) {
  constexpr float minus_infinity = -std::numeric_limits<float>::infinity();
  for (size_t first = 0, word = 0; first < logits.size(); first += 64, ++word) {
    const auto part = logits.subspan(first, std::min<size_t>(64, logits.size() - first));
    const uint64_t here = part.size() == 64 ? ~uint64_t{0} : (uint64_t{1} << part.size()) - 1;
    const uint64_t bits = allowed[word] & here;
    // Few bits are looked at one by one, be it those that stay or those that go.
    if (std::popcount(bits) > 32) {
      for (uint64_t others = ~bits & here; others != 0; others &= others - 1)
        part[static_cast<size_t>(std::countr_zero(others))] = minus_infinity;
      continue;
    }
    std::array<float, 64> kept;
    std::copy(part.begin(), part.end(), kept.begin());
    std::fill(part.begin(), part.end(), minus_infinity);
    for (uint64_t left = bits; left != 0; left &= left - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(left));
      part[i] = kept[i];
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
