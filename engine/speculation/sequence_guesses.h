// What is guessed about one answer, and how well that went. Used by the engine worker only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/speculation/guess_chances.h"
#include "engine/speculation/lookup_index.h"
#include "engine/token_id.h"

namespace hearth::engine {

enum class GuessSource : uint8_t { lookup, draft };

class SequenceGuesses {
 public:
  // At most `guesses_max` at a time; 0: none ever. `common` must outlive this.
  SequenceGuesses(int32_t guesses_max, CommonChances& common)
      : guesses_max_(guesses_max), common_(&common), match_chances_(&common.matches) {}

  // `tokens` are those of the call before and what was written since. Learns how well lookup would
  // have done; the first call's tokens are taken as they are.
  void follow(std::span<const TokenId> tokens);
  // The next tokens share nothing with those before.
  void restart();

  // What lookup says comes behind `tokens`, which were followed: at most `room` guesses. Forgets
  // the guesses made before.
  void look_up(std::span<const TokenId> tokens, int64_t room);
  // A draft model's guesses in place of those; each comes true with this chance if all before it
  // did.
  void replace(std::span<const TokenId> guesses, double chance);
  // The chance of a draft model's guess, from those that were checked.
  double draft_chance() const;
  // Whether the guess that was checked came true.
  void count_check(bool is_hit);
  // Only the first `depth` of them are to be checked.
  void keep(int32_t depth);
  void drop() { keep(0); }

  // Whether a draft model can guess for this answer at all.
  void allow_draft(bool is_allowed) { may_draft_ = is_allowed; }
  bool may_draft() const { return may_draft_; }

  int32_t guesses_max() const { return guesses_max_; }
  GuessSource source() const { return source_; }
  std::span<const TokenId> tokens() const { return tokens_; }
  std::span<const double> chances() const { return chances_; }

 private:
  int32_t guesses_max_;
  CommonChances* common_;
  LookupIndex index_;
  MatchChances match_chances_;
  FadingShare draft_share_;
  bool may_draft_ = false;
  GuessSource source_ = GuessSource::lookup;
  std::vector<TokenId> tokens_;
  std::vector<double> chances_;
};

}  // namespace hearth::engine
