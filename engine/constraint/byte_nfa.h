// A regular part of a grammar as a nondeterministic automaton over bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/constraint/code_set.h"
#include "engine/constraint/rules.h"

namespace hearth::engine {

// Immutable. Every state can be reached and can reach the end; free of empty moves.
struct ByteNfa {
  struct Edge {
    uint8_t first = 0;
    uint8_t last = 0;
    uint32_t target = 0;
  };
  std::vector<uint32_t> first_edges;  // per state, and one behind the last
  std::vector<Edge> edges;
  std::vector<uint8_t> accepts;  // per state
  std::vector<uint32_t> starts;

  size_t state_count() const { return accepts.size(); }
  std::span<const Edge> edges_of(uint32_t state) const {
    return std::span(edges).subspan(first_edges[state],
                                    first_edges[state + 1] - first_edges[state]);
  }
  bool accepts_nothing() const;  // the empty text
  // Equal automata have equal keys.
  std::string key() const;
};

class ByteNfaBuilder {
 public:
  // Throws Error{unsupported} above this many states.
  static constexpr size_t states_max = 200'000;

  // The expression that stands for a call. None of them may lead back to itself.
  using BodyOf = std::function<ExprId(RuleId)>;
  static ByteNfa build(const Rules& rules, std::span<const ExprId> alternatives,
                       const BodyOf& body_of);
  // One part behind the other.
  static ByteNfa build_run(const Rules& rules, std::span<const ExprId> parts,
                           const BodyOf& body_of);

 private:
  struct Move {
    uint32_t from;
    uint32_t target;
    uint8_t first;
    uint8_t last;
    bool is_empty;
  };

  ByteNfaBuilder(const Rules& rules, const BodyOf& body_of) : rules_(rules), body_of_(body_of) {}

  uint32_t add_state();
  void skip(uint32_t from, uint32_t to) { moves_.push_back({from, to, 0, 0, true}); }
  void step(uint32_t from, ByteRange bytes, uint32_t to) {
    moves_.push_back({from, to, bytes.first, bytes.last, false});
  }
  void add(ExprId expr, uint32_t from, uint32_t to);
  void add_parts(std::span<const ExprId> parts, uint32_t from, uint32_t to);
  void add_bytes(std::string_view bytes, uint32_t from, uint32_t to);
  void add_sequences(const CodeSet& set, uint32_t from, uint32_t to);
  void add_choice(std::span<const ExprId> parts, uint32_t from, uint32_t to);
  void add_repeat(const Rules::Expr& expr, uint32_t from, uint32_t to);
  void add_automaton(const CodeAutomaton& automaton, Spelling spelling, uint32_t from, uint32_t to);
  void add_json_characters(const CodeSet& set, uint32_t from, uint32_t to);
  ByteNfa finish(uint32_t start, uint32_t end);

  const Rules& rules_;
  const BodyOf& body_of_;
  uint32_t state_count_ = 0;
  std::vector<Move> moves_;
};

// Escapes for the JSON string: the characters that must not stand there as they are, in the text
// that this project writes for them.
std::string json_escape(uint32_t code_point);
// Code points that stand in a JSON string as they are.
const CodeSet& json_plain_characters();

}  // namespace hearth::engine
