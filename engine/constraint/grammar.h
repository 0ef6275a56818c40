// What compile_grammar() makes.
#pragma once

#include "engine/constraint/program.h"

namespace hearth::engine {

struct Grammar {
  Program program;
};

}  // namespace hearth::engine
