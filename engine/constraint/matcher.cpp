#include "engine/constraint/matcher.h"

#include <algorithm>

#include "base/error.h"
#include "engine/constraint/terminal_mask.h"

namespace hearth::engine {
namespace {

constexpr size_t threads_max = 2048;
constexpr size_t items_max = 10'000;
constexpr size_t moves_max = 50'000;  // of one byte
constexpr size_t frame_values_max = 4 << 20;
constexpr size_t pool_bytes_max = 192 << 20;
constexpr uint32_t accept_node = UINT32_MAX;  // behind the root

[[noreturn]] void fail_ambiguous() {
  throw Error(ErrorCode::unsupported,
              "the grammar is too ambiguous: the text can be read in too many ways at once");
}

}  // namespace

TerminalTable::TerminalTable(ByteNfa nfa) : dfa(std::move(nfa)) {}
TerminalTable::~TerminalTable() = default;

// Shared: see the header.
std::shared_ptr<TerminalTable> TerminalPool::get(const Program::Terminal& terminal) {
  std::shared_ptr<TerminalTable>& table = tables_[terminal.key];
  if (!table) table = std::make_shared<TerminalTable>(terminal.nfa);
  return table;
}

void TerminalPool::trim() {
  size_t bytes = 0;
  for (const auto& [key, table] : tables_) {
    bytes += key.size() + table->dfa.bytes();
    for (const auto& mask : table->masks) bytes += mask ? mask->bytes() : 0;
  }
  if (bytes <= pool_bytes_max) return;
  std::erase_if(tables_, [](const auto& entry) { return entry.second.use_count() == 1; });
  for (const auto& [key, table] : tables_) table->masks.clear();
}

Matcher::Matcher(const Program& program, TerminalPool& pool) : program_(program) {
  for (const Program::Terminal& terminal : program.terminals) tables_.push_back(pool.get(terminal));
  const uint32_t nothing[] = {0};
  states_.intern(nothing);  // dead
  const uint32_t bottom[] = {accept_node, 0};
  begin();
  add_callers(program_.root, {accept_node, frames_.intern(bottom)});
  can_end_ = program_.rules[program_.root].is_nullable;
  start_ = finish();
}

void Matcher::begin() {
  items_.clear();
  seen_.clear();
  callers_.clear();
  threads_.clear();
  can_end_ = false;
  in_calls_ = false;
  moves_ = 0;
}

void Matcher::add_item(Item item) {
  if (!seen_.insert(uint64_t{item.first} << 32 | item.second).second) return;
  if (seen_.size() > items_max) fail_ambiguous();
  items_.push_back(item);
}

// A call at the end of a rule returns to where that rule returns to: lists do not grow a stack.
void Matcher::add_callers(uint32_t rule, Item item) {
  std::vector<uint32_t>& callers = callers_[{program_.rules[rule].rank, rule}];
  if (item.first != accept_node && program_.nodes[item.first].is_end()) {
    const std::span<const uint32_t> frames = frames_[item.second];
    callers.insert(callers.end(), frames.begin(), frames.end());
  } else if (item.first == accept_node) {
    callers.insert(callers.end(), {accept_node, 0});
  } else {
    callers.insert(callers.end(), {item.first, item.second});
  }
  if (callers.size() > 2 * items_max) fail_ambiguous();
}

void Matcher::take_edges(Item item) {
  moves_ += program_.edges_of(item.first).size();
  if (moves_ > moves_max) fail_ambiguous();
  for (const Program::Edge& edge : program_.edges_of(item.first)) {
    if (!edge.is_call) {
      if (threads_.size() >= threads_max) fail_ambiguous();
      threads_.push_back({edge.id, LazyDfa::start, 0, edge.target, item.second});
      continue;
    }
    add_callers(edge.id, {edge.target, item.second});
    if (program_.rules[edge.id].is_nullable) add_item({edge.target, item.second});
  }
}

void Matcher::run_items() {
  for (size_t i = 0; i < items_.size(); ++i) {
    const Item item = items_[i];
    take_edges(item);
    // A rule that ends before it took a byte was passed by where it was called.
    if (in_calls_ || !program_.nodes[item.first].is_final) continue;
    const std::span<const uint32_t> frames = frames_[item.second];
    for (size_t f = 0; f < frames.size(); f += 2) {
      if (frames[f] == accept_node) {
        can_end_ = true;
      } else {
        add_item({frames[f], frames[f + 1]});
      }
    }
  }
  items_.clear();
}

// By rising rank: all callers of a rule are known when its turn comes.
void Matcher::run_calls() {
  in_calls_ = true;
  while (!callers_.empty()) {
    const auto first = callers_.begin();
    const uint32_t rule = first->first.second;
    std::vector<std::pair<uint32_t, uint32_t>> pairs;
    for (size_t i = 0; i < first->second.size(); i += 2)
      pairs.push_back({first->second[i], first->second[i + 1]});
    std::sort(pairs.begin(), pairs.end());
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
    std::vector<uint32_t> flat;
    for (const auto& [node, frames] : pairs) flat.insert(flat.end(), {node, frames});
    callers_.erase(first);
    const uint32_t frames = frames_.intern(flat);
    if (frames_.value_count() > frame_values_max) fail_ambiguous();
    add_item({program_.rules[rule].start, frames});
    run_items();
  }
}

Matcher::State Matcher::finish() {
  run_items();
  run_calls();
  std::sort(threads_.begin(), threads_.end());
  threads_.erase(std::unique(threads_.begin(), threads_.end()), threads_.end());
  if (threads_.size() > threads_max) fail_ambiguous();
  std::vector<uint32_t> values{can_end_ ? 1U : 0U};
  for (const Thread& t : threads_)
    values.insert(values.end(), {t.terminal, t.state, t.count, t.after, t.frames});
  return states_.intern(values);
}

Matcher::Thread Matcher::thread(State state, size_t index) const {
  const auto values = states_[state].subspan(1 + index * thread_values, thread_values);
  return {values[0], values[1], values[2], values[3], values[4]};
}

Matcher::State Matcher::make_step(State state, uint8_t byte) {
  if (state >= next_.size()) next_.resize(state + 1);
  if (!next_[state]) {
    next_[state] = std::make_unique<std::array<State, 256>>();
    next_[state]->fill(unknown);
  }
  begin();
  const size_t count = thread_count(state);
  for (size_t i = 0; i < count; ++i) {
    Thread t = thread(state, i);
    const Program::Terminal& kind = program_.terminals[t.terminal];
    LazyDfa& dfa = tables_[t.terminal]->dfa;
    const uint32_t next = dfa.next(t.state, byte);
    if (next == LazyDfa::dead) continue;
    const bool is_complete = dfa.accepts(next);
    const Item behind{t.after, t.frames};
    if (!kind.is_counted) {
      if (is_complete) add_item(behind);
      t.state = next;
      if (dfa.goes_on(next)) threads_.push_back(t);
    } else if (!is_complete) {
      t.state = next;
      threads_.push_back(t);
    } else {
      ++t.count;
      t.state = LazyDfa::start;
      if (t.count >= kind.least) add_item(behind);
      // Behind the least of an unbounded count all counts are the same.
      if (kind.most == unbounded)
        t.count = static_cast<uint32_t>(std::min<int64_t>(t.count, kind.least));
      if (kind.most == unbounded || t.count < kind.most) threads_.push_back(t);
    }
  }
  const State next = finish();
  (*next_[state])[byte] = next;
  return next;
}

Matcher::State Matcher::advance(State state, std::string_view bytes) {
  for (size_t i = 0; i < bytes.size() && state != dead; ++i)
    state = step(state, static_cast<uint8_t>(bytes[i]));
  return state;
}

Matcher::State Matcher::completed(const Thread& thread) {
  const auto place = completed_.find({thread.after, thread.frames});
  if (place != completed_.end()) return place->second;
  begin();
  add_item({thread.after, thread.frames});
  const State state = finish();
  completed_.emplace(std::pair(thread.after, thread.frames), state);
  return state;
}

// Frames refer to older frames only, so their numbers rise.
uint32_t Matcher::frames_again(uint32_t frames, const SpanPool& old, std::vector<uint32_t>& known) {
  std::vector<uint32_t> waiting{frames};
  while (!waiting.empty()) {
    const uint32_t top = waiting.back();
    const std::span<const uint32_t> values = old[top];
    bool is_ready = true;
    std::vector<uint32_t> again;
    for (size_t i = 0; i < values.size(); i += 2) {
      const bool is_bottom = values[i] == accept_node;
      if (!is_bottom && known[values[i + 1]] == unknown) {
        waiting.push_back(values[i + 1]);
        is_ready = false;
      }
      again.insert(again.end(), {values[i], is_bottom ? 0 : known[values[i + 1]]});
    }
    if (!is_ready) continue;
    waiting.pop_back();
    if (known[top] == unknown) known[top] = frames_.intern(again);
  }
  return known[frames];
}

Matcher::State Matcher::forget_others(State state) {
  const SpanPool old = std::exchange(frames_, SpanPool());
  std::vector<uint32_t> known(old.size(), unknown);
  begin();
  can_end_ = can_end(state);
  const size_t count = thread_count(state);
  for (size_t i = 0; i < count; ++i) {
    Thread t = thread(state, i);
    t.frames = frames_again(t.frames, old, known);
    threads_.push_back(t);
  }
  states_ = SpanPool();
  next_.clear();
  completed_.clear();
  const uint32_t nothing[] = {0};
  states_.intern(nothing);
  return finish();
}

}  // namespace hearth::engine
