// GBNF, the grammars of llama.cpp: rules `name ::= ...` with literals, character classes, groups,
// alternatives and repetitions; the answer is what `root` stands for.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/constraint/rules.h"

namespace hearth::engine {

struct NamedRules {
  std::string name;
  Rules rules;
};

// `parts` are the rules that the text may use without defining them. Throws Error{invalid_argument}
// naming the line, Error{unsupported} for what is too large.
Rules parse_gbnf(std::string_view text, std::span<const NamedRules> parts);

}  // namespace hearth::engine
