#include "engine/speculation/guess_chances.h"

#include <algorithm>

namespace hearth::engine {
namespace {

struct LengthClass {
  int64_t length_max;
  double expected;  // before anything was seen
};

// Shares of prose, code and quoted text in between; whatever is wrong about them is corrected
// within some tokens.
constexpr std::array<LengthClass, 6> classes = {
    {{2, 0.2}, {3, 0.3}, {5, 0.45}, {8, 0.6}, {16, 0.75}, {INT64_MAX, 0.85}}};

constexpr double common_memory = 256;
constexpr double weight = 4;  // of what is expected, in outcomes

}  // namespace

void FadingShare::count(bool is_hit) {
  if (count_ >= memory_) {
    const double kept = (memory_ - 1) / memory_;
    hits_ *= kept;
    count_ *= kept;
  }
  hits_ += is_hit ? 1 : 0;
  count_ += 1;
}

MatchChances::MatchChances() {
  shares_.fill(FadingShare(common_memory));
}

size_t MatchChances::class_of(int64_t match_length) {
  const auto place = std::find_if(classes.begin(), classes.end(), [&](const LengthClass& row) {
    return match_length <= row.length_max;
  });
  return static_cast<size_t>(place - classes.begin());
}

void MatchChances::count(int64_t match_length, bool is_hit) {
  shares_[class_of(match_length)].count(is_hit);
  if (common_ != nullptr) common_->count(match_length, is_hit);
}

double MatchChances::chance(int64_t match_length) const {
  const size_t index = class_of(match_length);
  const double expected =
      common_ != nullptr ? common_->chance(match_length) : classes[index].expected;
  return shares_[index].estimate(expected, weight);
}

}  // namespace hearth::engine
