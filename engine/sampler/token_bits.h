// Sets of tokens as bits, a word for 64 of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hearth::engine {

// Logits of all tokens but these become minus infinity.
void forbid_tokens(std::span<float> logits, std::span<const uint64_t> allowed);
// Stops counting above `most`.
size_t count_tokens(std::span<const uint64_t> tokens, size_t most);

}  // namespace hearth::engine
