// A regular expression as a tree.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/constraint/code_set.h"

namespace hearth::engine {

struct RegexTree {
  enum class Kind : uint8_t { empty, set, sequence, choice, repeat, begin, end };
  struct Node {
    Kind kind = Kind::empty;
    CodeSet set = {};
    std::vector<int32_t> parts = {};
    int64_t least = 0;
    int64_t most = 0;  // of repeat; may be unbounded
  };
  std::vector<Node> nodes;
  int32_t root = 0;
};

// Throws as regex_automaton.
RegexTree parse_regex(std::string_view pattern);

}  // namespace hearth::engine
