// What compile_grammar() makes, and how it says control tokens.
#pragma once

#include "engine/constraint/program.h"

namespace hearth::engine {

// Stands before the name of a control token. No text has this byte: grammars are followed by
// control tokens where they ask for them (GrammarKind::tag) and nowhere else.
constexpr char control_byte = '\xff';

struct Grammar {
  Program program;
};

}  // namespace hearth::engine
