#include "engine/speculation/sequence_guesses.h"

#include <algorithm>

namespace hearth::engine {
namespace {

// Guesses less likely than this are never worth a column.
constexpr double chance_min = 0.02;
// Of a draft model, before anything was checked.
constexpr double draft_expected = 0.6;
constexpr double expected_weight = 4;

}  // namespace

void SequenceGuesses::follow(std::span<const TokenId> tokens) {
  if (index_.token_count() == 0) index_.extend(tokens);
  while (index_.token_count() < std::ssize(tokens)) {
    const size_t known = static_cast<size_t>(index_.token_count());
    if (index_.match_length() > 0) {
      const TokenId guess = index_.guess(tokens.first(known), 0);
      match_chances_.count(index_.match_length(), guess == tokens[known]);
    }
    index_.extend(tokens.first(known + 1));
  }
}

void SequenceGuesses::restart() {
  index_.clear();
  drop();
}

void SequenceGuesses::look_up(std::span<const TokenId> tokens, int64_t room) {
  drop();
  source_ = GuessSource::lookup;
  if (index_.match_length() == 0) return;
  const int64_t most = std::min<int64_t>(room, guesses_max_);
  double chance = 1;
  for (int64_t i = 0; i < most; ++i) {
    // Each guess that comes true makes the match one longer.
    chance *= match_chances_.chance(index_.match_length() + i);
    if (chance < chance_min) break;
    tokens_.push_back(index_.guess(tokens, i));
    chances_.push_back(chance);
  }
}

void SequenceGuesses::replace(std::span<const TokenId> guesses, double chance) {
  source_ = GuessSource::draft;
  tokens_.assign(guesses.begin(), guesses.end());
  chances_.clear();
  double all = 1;
  for (size_t i = 0; i < guesses.size(); ++i) chances_.push_back(all *= chance);
}

double SequenceGuesses::draft_chance() const {
  return draft_share_.estimate(common_->drafts.estimate(draft_expected, expected_weight),
                               expected_weight);
}

void SequenceGuesses::count_check(bool is_hit) {
  if (source_ != GuessSource::draft) return;  // lookup's are counted by follow()
  draft_share_.count(is_hit);
  common_->drafts.count(is_hit);
}

void SequenceGuesses::keep(int32_t depth) {
  tokens_.resize(static_cast<size_t>(depth));
  chances_.resize(static_cast<size_t>(depth));
}

}  // namespace hearth::engine
