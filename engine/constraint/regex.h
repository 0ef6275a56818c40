// Regular expressions in the dialect of JSON Schema (ECMA-262 in its Unicode mode), as automata.
#pragma once

#include <string_view>

#include "engine/constraint/rules.h"

namespace hearth::engine {

enum class RegexUse : uint8_t {
  whole,   // the whole text is what the expression describes
  search,  // it occurs somewhere, as `pattern` of JSON Schema
};

// Throws Error{invalid_argument} for what is no expression, naming the place, Error{unsupported}
// for what no automaton can do (back references, look-around), for Unicode properties, and for too
// many states.
CodeAutomaton regex_automaton(std::string_view pattern, RegexUse use);

}  // namespace hearth::engine
