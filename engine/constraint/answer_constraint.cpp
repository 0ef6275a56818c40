#include "engine/constraint/answer_constraint.h"

#include <algorithm>

#include "base/error.h"
#include "engine/constraint/grammar.h"

namespace hearth::engine {
namespace {

constexpr uint32_t blanks_max = 16;  // before and behind thoughts
constexpr size_t states_max = 4096;  // of a matcher before it forgets the older ones
constexpr size_t tag_bytes_max = 1024;

bool is_blank(uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

void set_bit(std::span<uint64_t> words, TokenId token, bool value) {
  uint64_t& word = words[static_cast<size_t>(token) / 64];
  const uint64_t bit = uint64_t{1} << (token % 64);
  word = value ? word | bit : word & ~bit;
}

const ConstraintSpec& checked(const ConstraintSpec& spec) {
  for (const std::string* tag : {&spec.thoughts_open, &spec.thoughts_close, &spec.free_until}) {
    if (tag->size() > tag_bytes_max)
      throw Error(ErrorCode::invalid_argument, "a tag of a constraint is longer than 1024 bytes");
  }
  const bool thinks = spec.starts_in_thoughts || !spec.thoughts_open.empty();
  if (thinks && spec.thoughts_close.empty()) {
    throw Error(ErrorCode::invalid_argument,
                "a constraint with thoughts needs the text that ends them (thoughts_close)");
  }
  return spec;
}

}  // namespace

AnswerConstraint::AnswerConstraint(const ConstraintSpec& spec, ConstraintPool& pool)
    : spec_(checked(spec)),
      grammar_(pool.prepare(spec.grammar)),
      pool_(pool),
      trie_(pool.trie()),
      matcher_(grammar_->program, pool.terminals()),
      masks_(trie_, matcher_),
      close_(spec.thoughts_close),
      until_(spec.free_until),
      words_(trie_.word_count()) {
  pool.terminals().trim();
  place_ = behind_thoughts();
  if (place_.phase == Phase::blanks) place_.phase = Phase::bound;  // there were no thoughts
  if (spec_.starts_in_thoughts) {
    place_.phase = Phase::thinking;
  } else if (!spec_.thoughts_open.empty()) {
    place_.phase = Phase::opening;
    place_.may_open = true;
  }
}

// Free text has blanks of its own.
AnswerConstraint::Place AnswerConstraint::behind_thoughts() const {
  Place place;
  place.phase = is_free() ? Phase::free : Phase::blanks;
  place.state = matcher_.start();
  return place;
}

// Behind the thoughts, for now or to the end.
bool AnswerConstraint::is_free() const {
  return !spec_.free_until.empty() || spec_.grammar.kind == GrammarKind::anything;
}

bool AnswerConstraint::has_found_tag(const Place& place) const {
  return until_.size() > 0 && place.found == until_.size();
}

bool AnswerConstraint::is_dead(const Place& place) const {
  return place.phase == Phase::bound && place.state == Matcher::dead;
}

AnswerConstraint::Place AnswerConstraint::step_opening(Place place, uint8_t byte) {
  const std::string& open = spec_.thoughts_open;
  if (place.opened == 0 && is_blank(byte) && static_cast<uint8_t>(open[0]) != byte) {
    place.may_open = ++place.blanks <= blanks_max;
  } else if (static_cast<uint8_t>(open[place.opened]) == byte) {
    if (++place.opened == open.size()) {
      Place thinking = behind_thoughts();
      thinking.phase = Phase::thinking;
      return thinking;
    }
  } else {
    place.may_open = false;
  }
  // The answer itself, should it turn out that there are no thoughts.
  if (!is_free()) {
    place.state = matcher_.step(place.state, byte);
    if (!place.may_open) place.phase = Phase::bound;
  } else {
    place.found = static_cast<uint32_t>(until_.step(place.found, static_cast<char>(byte)));
    if (!place.may_open) place.phase = Phase::free;
    if (has_found_tag(place)) place.phase = Phase::bound;
  }
  return place;
}

// What the grammar can take is the grammar's, also a blank.
AnswerConstraint::Place AnswerConstraint::step_blank(Place place, uint8_t byte) {
  const Matcher::State next = matcher_.step(place.state, byte);
  if (next == Matcher::dead && is_blank(byte) && ++place.blanks <= blanks_max) return place;
  place.phase = Phase::bound;
  place.state = next;
  return place;
}

AnswerConstraint::Place AnswerConstraint::step(Place place, uint8_t byte) {
  const auto character = static_cast<char>(byte);
  switch (place.phase) {
    case Phase::opening:
      return step_opening(place, byte);
    case Phase::thinking:
      place.found = static_cast<uint32_t>(close_.step(place.found, character));
      return place.found == close_.size() ? behind_thoughts() : place;
    case Phase::blanks:
      return step_blank(place, byte);
    case Phase::free:
      place.found = static_cast<uint32_t>(until_.step(place.found, character));
      if (has_found_tag(place)) place.phase = Phase::bound;
      return place;
    case Phase::bound:
      place.state = matcher_.step(place.state, byte);
      return place;
  }
  return place;
}

AnswerConstraint::Place AnswerConstraint::step_all(Place place, std::string_view bytes) {
  for (size_t i = 0; i < bytes.size() && !is_dead(place); ++i)
    place = step(place, static_cast<uint8_t>(bytes[i]));
  return place;
}

// Thoughts and free text know the name of a control token, the grammar knows what is said for it.
AnswerConstraint::Place AnswerConstraint::step_control(const Place& place, std::string_view said) {
  Place next = place;
  if (place.phase != Phase::bound && place.phase != Phase::blanks) {
    next = step_all(place, said.substr(1));
    const bool asks_grammar = place.phase == Phase::opening && !is_free() &&
                              (next.phase == Phase::opening || next.phase == Phase::bound);
    if (!asks_grammar) return next;
  } else {
    next.phase = Phase::bound;
  }
  next.state = matcher_.advance(place.state, said);
  return next;
}

void AnswerConstraint::accept(TokenId token) {
  if (place_.phase == Phase::thinking) ++thoughts_tokens_;
  piece_.clear();
  const bool is_control = pool_.tokenizer().is_control(token);
  if (is_control) piece_ = control_byte;
  pool_.tokenizer().append_piece(piece_, token, is_control);
  place_ = is_control ? step_control(place_, piece_) : step_all(place_, piece_);
  if (place_.phase != Phase::bound || matcher_.state_count() <= states_max) return;
  place_.state = matcher_.forget_others(place_.state);
  masks_.restart();
}

bool AnswerConstraint::is_complete() {
  return place_.phase == Phase::bound && place_.state != Matcher::dead &&
         matcher_.can_end(place_.state) && matcher_.thread_count(place_.state) == 0;
}

// Follows the whole vocabulary; for the few tokens before a grammar begins.
void AnswerConstraint::walk(const Place& from) {
  const std::span<const VocabularyTrie::Node> nodes = trie_.nodes();
  std::vector<std::pair<uint32_t, Place>> path{{static_cast<uint32_t>(nodes.size()), from}};
  for (uint32_t i = 0; i < nodes.size();) {
    const VocabularyTrie::Node& node = nodes[i];
    while (i >= path.back().first) path.pop_back();
    const Place place = step(path.back().second, node.byte);
    if (is_dead(place)) {
      i = node.end;
      continue;
    }
    trie_.mark(node, words_);
    if (node.end > i + 1) path.emplace_back(node.end, place);
    ++i;
  }
}

// Tags are control tokens in some vocabularies.
void AnswerConstraint::allow_controls() {
  for (const VocabularyTrie::Control& control : trie_.controls()) {
    const Place place = step_control(place_, control.said);
    const bool is_possible = place.phase != Phase::opening
                                 ? !is_dead(place)
                                 : place.state != Matcher::dead || place.may_open;
    if (is_possible) set_bit(words_, control.token, true);
  }
}

void AnswerConstraint::allow_end() {
  for (const TokenId token : trie_.end_tokens()) set_bit(words_, token, true);
}

// Every token, but for those that complete the tag and go on with what cannot stand behind it.
void AnswerConstraint::allow_free(bool may_end) {
  std::fill(words_.begin(), words_.end(), ~uint64_t{0});
  if (!may_end) {
    for (const TokenId token : trie_.end_tokens()) set_bit(words_, token, false);
  }
  const std::string& tag = place_.phase == Phase::thinking ? close_.text() : until_.text();
  if (tag.empty()) return;
  for (const ConstraintPool::Through& token : pool_.tokens_through(tag)) {
    if (place_.found + token.reach < tag.size()) continue;
    if (is_dead(step_all(place_, token.bytes))) set_bit(words_, token.token, false);
  }
}

// Only tokens that write the rest of the tag behind the thoughts. False: there are none.
bool AnswerConstraint::allow_close() {
  std::fill(words_.begin(), words_.end(), 0);
  const std::string_view rest = std::string_view(close_.text()).substr(place_.found);
  bool is_possible = false;
  const auto allow = [&](TokenId token) {
    set_bit(words_, token, true);
    is_possible = true;
  };
  const auto texts = trie_.texts();
  for (size_t size = 1; size <= rest.size(); ++size) {
    const std::string begin(rest.substr(0, size));
    for (auto text = std::lower_bound(texts.begin(), texts.end(), std::pair(begin, TokenId{0}));
         text != texts.end() && text->first == begin; ++text)
      allow(text->second);
  }
  for (const VocabularyTrie::Control& control : trie_.controls()) {
    if (control.said.size() > 1 && rest.starts_with(std::string_view(control.said).substr(1)))
      allow(control.token);
  }
  return is_possible;
}

std::span<const uint64_t> AnswerConstraint::allowed() {
  std::span<const uint64_t> words = words_;
  switch (place_.phase) {
    case Phase::bound:
      words = masks_.of(place_.state);
      break;
    case Phase::thinking: {
      const bool is_over =
          spec_.thoughts_tokens_max >= 0 && thoughts_tokens_ >= spec_.thoughts_tokens_max;
      if (!is_over || !allow_close()) allow_free(false);
      break;
    }
    case Phase::free:
      allow_free(true);
      break;
    case Phase::opening:
    case Phase::blanks:
      std::fill(words_.begin(), words_.end(), 0);
      walk(place_);
      allow_controls();
      if (is_free() || matcher_.can_end(place_.state)) allow_end();
      break;
  }
  const bool is_possible =
      std::any_of(words.begin(), words.end(), [](uint64_t word) { return word != 0; });
  if (is_possible) return words;
  throw Error(ErrorCode::unsupported,
              "no token of this model's vocabulary goes on with the answer as its grammar or "
              "schema demands");
}

}  // namespace hearth::engine
