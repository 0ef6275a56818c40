// GBNF, the grammars of llama.cpp: rules `name ::= ...` with literals, character classes, groups,
// alternatives and repetitions; the answer is what `root` stands for.
#pragma once

#include <string_view>

#include "engine/constraint/rules.h"

namespace hearth::engine {

// Throws Error{invalid_argument} naming the line, Error{unsupported} for what is too large.
Rules parse_gbnf(std::string_view text);

}  // namespace hearth::engine
