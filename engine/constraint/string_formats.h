// The formats of JSON Schema that are bound, as regular expressions of the whole string.
#pragma once

#include <optional>
#include <string_view>

#include "engine/constraint/rules.h"

namespace hearth::engine {

// Absent for a format that is not known.
std::optional<CodeAutomaton> string_format(std::string_view name);
// Formats that say what a value is for and nothing that could be bound.
bool is_annotation_format(std::string_view name);

}  // namespace hearth::engine
