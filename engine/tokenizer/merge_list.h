// tokenizer.ggml.merges: "left right" per entry, best first.
#pragma once

#include <span>
#include <string_view>

#include "engine/tokenizer/pair_table.h"
#include "engine/tokenizer/vocabulary.h"

namespace hearth::engine {

// The rank of a merge is its place. Merges that would give a control token are left out: plain text
// must not become one. Throws Error{corrupt_data} for a merge that names tokens the vocabulary
// lacks.
PairTable read_merges(const Vocabulary& vocabulary, std::span<const std::string_view> merges);

}  // namespace hearth::engine
