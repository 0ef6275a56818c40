// The automata of a grammar's rules while they are drawn, with empty moves; finish() makes the
// nodes of a Program of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/constraint/program.h"

namespace hearth::engine {

class RuleGraph {
 public:
  // Start and end of the next rule; rules are numbered in the order of these calls.
  std::pair<uint32_t, uint32_t> add_rule();
  // All throw Error{unsupported} when there are too many.
  uint32_t add_node();
  void skip(uint32_t from, uint32_t to) { add({from, to, 0, Kind::skip}); }
  void terminal(uint32_t from, uint32_t number, uint32_t to) {
    add({from, to, number, Kind::terminal});
  }
  void call(uint32_t from, uint32_t rule, uint32_t to) { add({from, to, rule, Kind::call}); }

  // Fills nodes, edges and rules. `names` are those of the rules, for messages. Throws as
  // make_program.
  void finish(Program& program, std::span<const std::string> names);

 private:
  enum class Kind : uint8_t { skip, terminal, call };
  struct Move {
    uint32_t from;
    uint32_t to;
    uint32_t id;
    Kind kind;
  };

  void add(const Move& move);
  void sort_moves();
  // Per rule whether its end can be reached; `with_bytes`: also by taking bytes.
  std::vector<uint8_t> rules_that_end(bool with_bytes) const;
  std::vector<uint8_t> nodes_that_end() const;
  void add_nodes(Program& program, const std::vector<uint8_t>& nodes_end);

  uint32_t node_count_ = 0;
  std::vector<Move> moves_;
  std::vector<uint32_t> firsts_;  // of each node's moves
  std::vector<std::pair<uint32_t, uint32_t>> rules_;
  std::vector<uint32_t> rule_of_end_;  // per node; UINT32_MAX: not the end of a rule
  std::vector<uint8_t> productive_;    // rules
};

}  // namespace hearth::engine
