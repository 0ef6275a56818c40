// Sets of texts as deterministic automata over code points: what strings of JSON may be. Unlike
// grammars they can be intersected and inverted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/constraint/rules.h"

namespace hearth::engine {

// Edges that are missing lead nowhere. All functions throw Error{unsupported} where the result
// would have more than this many states.
constexpr size_t automaton_states_max = 20'000;

CodeAutomaton all_texts();
CodeAutomaton texts_of(std::span<const std::string> texts);
// Every code point counts as one. `most` may be unbounded.
CodeAutomaton texts_of_length(int64_t least, int64_t most);
CodeAutomaton intersection(const CodeAutomaton& a, const CodeAutomaton& b);
CodeAutomaton inverted(const CodeAutomaton& a);
bool accepts(const CodeAutomaton& automaton, std::string_view text);
// No text at all.
bool is_empty(const CodeAutomaton& automaton);
// Without states that lead to no end, or that nothing leads to.
CodeAutomaton trimmed(const CodeAutomaton& automaton);

}  // namespace hearth::engine
