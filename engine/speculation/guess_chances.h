// How often guesses come true, learnt from every token of every answer, whether it was guessed
// aloud or not: what a lookup would have said costs nothing to compare with what came.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hearth::engine {

// A share that forgets: outcomes of long ago count less.
class FadingShare {
 public:
  // `memory` outcomes are remembered, more or less.
  explicit FadingShare(double memory = 32) : memory_(memory) {}

  void count(bool is_hit);
  // As if `weight` outcomes with the share `expected` had been there from the start.
  double estimate(double expected, double weight) const {
    return (hits_ + expected * weight) / (count_ + weight);
  }

 private:
  double memory_;
  double hits_ = 0;
  double count_ = 0;
};

// The chance that the token behind a match of this length is the next one of the answer. Long
// matches come true more often than short ones, in every text at its own rate.
class MatchChances {
 public:
  // Of all answers of a model: what a new answer starts from.
  MatchChances();
  // Of one answer. `common` is not null and must outlive it.
  explicit MatchChances(MatchChances* common) : common_(common) {}

  // A match of this length was followed by the guessed token or by another. Counts for all answers
  // too.
  void count(int64_t match_length, bool is_hit);
  double chance(int64_t match_length) const;

 private:
  static constexpr size_t class_count = 6;
  static size_t class_of(int64_t match_length);

  MatchChances* common_ = nullptr;
  std::array<FadingShare, class_count> shares_;
};

// Of all answers of a model.
struct CommonChances {
  MatchChances matches;
  FadingShare drafts{256};
};

}  // namespace hearth::engine
