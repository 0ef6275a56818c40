// A grammar as it is followed: every rule is a small automaton whose moves are terminals (regular
// parts, matched byte by byte) and calls of other rules. What is regular is cut out in pieces as
// large as pays, because the masks of a terminal are shared by all places where it stands.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/constraint/byte_nfa.h"
#include "engine/constraint/rules.h"

namespace hearth::engine {

struct Program {
  struct Edge {
    bool is_call = false;
    uint32_t id = 0;      // of the terminal or the rule
    uint32_t target = 0;  // node
  };
  struct Node {
    uint32_t first_edge = 0;
    uint32_t edge_count = 0;
    bool is_final = false;  // the rule can end here
    bool is_end() const { return is_final && edge_count == 0; }
  };
  struct Rule {
    uint32_t start = 0;  // node
    bool is_nullable = false;
    uint32_t rank = 0;  // a rule calls only rules of higher rank before it has taken a byte
  };
  // A counted terminal is least..most times what `nfa` accepts, one after another; nothing `nfa`
  // accepts begins with something else it accepts.
  struct Terminal {
    ByteNfa nfa;
    bool is_counted = false;
    int64_t least = 0;
    int64_t most = 0;  // may be unbounded
    std::string key;   // terminals with equal keys have equal masks
  };

  std::span<const Edge> edges_of(uint32_t node) const {
    return std::span(edges).subspan(nodes[node].first_edge, nodes[node].edge_count);
  }

  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::vector<Rule> rules;
  std::vector<Terminal> terminals;
  uint32_t root = 0;  // rule
};

// Throws Error{unsupported} for left recursion, naming the rule, and for what is too large;
// Error{invalid_argument} where no text at all is possible. Every rule that is called has a body.
Program make_program(const Rules& rules);

}  // namespace hearth::engine
