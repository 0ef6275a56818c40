// JSON Schema, draft 2020-12, as a grammar. Sound: what the grammar accepts is valid. Which valid
// texts it accepts is in docs/structured-output.md: properties come in the order of the schema,
// blanks are few, strings are spelled in the shortest way where a pattern looks at them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/constraint/rules.h"

namespace hearth::engine {

// Throws Error{invalid_argument} for what is no schema and Error{unsupported} for a keyword that
// cannot be bound, both with its path. With `is_best_effort` such a keyword is left out instead,
// and `warnings` gets a line.
Rules parse_json_schema(std::string_view text, bool is_best_effort,
                        std::vector<std::string>& warnings);

}  // namespace hearth::engine
