// Follows a grammar through a text, byte by byte. All ways a text can be read are followed at once;
// what they have in common - the place to go on behind a rule - is kept once, as in a graph of
// stacks, so that an ambiguous grammar costs polynomial and not exponential time.
// A state is a number and never changes: going back to an earlier one is using its number.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/constraint/lazy_dfa.h"
#include "engine/constraint/program.h"
#include "engine/constraint/span_pool.h"

namespace hearth::engine {

struct TerminalMask;

// A terminal while it is used: its automaton, and per state what a vocabulary makes of it
// (token_masks.h).
struct TerminalTable {
  explicit TerminalTable(ByteNfa nfa);
  ~TerminalTable();

  LazyDfa dfa;
  std::vector<std::unique_ptr<TerminalMask>> masks;  // by state; null: not made yet
};

// Terminals by their key. Grammars that have a terminal in common - all JSON has strings - share
// its masks. Not thread-safe.
class TerminalPool {
 public:
  // Shared: matchers outlive their terminal's place in the pool.
  std::shared_ptr<TerminalTable> get(const Program::Terminal& terminal);
  // Forgets masks and automata when they take too much memory.
  void trim();

 private:
  std::map<std::string, std::shared_ptr<TerminalTable>> tables_;  // shared: as get()
};

class Matcher {
 public:
  using State = uint32_t;
  static constexpr State dead = 0;

  // One way to read the text so far: `state` of a terminal (that began `count` repetitions ago),
  // and the node to go on at when it is complete, in a rule that returns to `frames`.
  struct Thread {
    uint32_t terminal = 0;
    uint32_t state = 0;
    uint32_t count = 0;
    uint32_t after = 0;
    uint32_t frames = 0;

    auto operator<=>(const Thread&) const = default;
  };
  static constexpr size_t thread_values = 5;

  // `program` and `pool` must outlive the matcher.
  Matcher(const Program& program, TerminalPool& pool);

  State start() const { return start_; }
  // Throws Error{unsupported} when too many ways have to be followed.
  State step(State state, uint8_t byte) {
    if (state < next_.size() && next_[state] && (*next_[state])[byte] != unknown)
      return (*next_[state])[byte];
    return make_step(state, byte);
  }
  State advance(State state, std::string_view bytes);
  bool can_end(State state) const { return states_[state].front() != 0; }
  size_t thread_count(State state) const { return (states_[state].size() - 1) / thread_values; }
  Thread thread(State state, size_t index) const;
  // Where the grammar stands when this thread's terminal is complete.
  State completed(const Thread& thread);

  TerminalTable& table(uint32_t terminal) { return *tables_[terminal]; }
  const Program::Terminal& terminal(uint32_t number) const { return program_.terminals[number]; }
  // All states are forgotten but this one, which gets a new number. To be called now and then.
  State forget_others(State state);
  size_t state_count() const { return states_.size(); }

 private:
  using Item = std::pair<uint32_t, uint32_t>;  // node, frames

  static constexpr State unknown = UINT32_MAX;

  State make_step(State state, uint8_t byte);
  void begin();
  void add_item(Item item);
  void add_callers(uint32_t rule, Item item);
  void take_edges(Item item);
  void run_items();
  void run_calls();
  State finish();
  uint32_t frames_again(uint32_t frames, const SpanPool& old, std::vector<uint32_t>& known);

  const Program& program_;
  std::vector<std::shared_ptr<TerminalTable>> tables_;  // by terminal; shared: see TerminalPool
  SpanPool frames_;                                     // pairs of node and frames, sorted
  SpanPool states_;  // whether the text can end here, then threads, sorted
  std::vector<std::unique_ptr<std::array<State, 256>>> next_;
  std::map<std::pair<uint32_t, uint32_t>, State> completed_;
  State start_ = dead;
  // Of the state being made.
  std::vector<Item> items_;
  std::unordered_set<uint64_t> seen_;
  std::map<std::pair<uint32_t, uint32_t>, std::vector<uint32_t>> callers_;  // by rank and rule
  std::vector<Thread> threads_;
  bool can_end_ = false;
  bool in_calls_ = false;
  size_t moves_ = 0;
};

}  // namespace hearth::engine
