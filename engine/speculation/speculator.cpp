#include "engine/speculation/speculator.h"

#include <algorithm>

namespace hearth::engine {
namespace {

constexpr int32_t depths[] = {1, 2, 3, 4, 6, 8};
constexpr int32_t always_depth = 4;
constexpr int64_t retry_steps_min = 64;
constexpr int64_t retry_steps_max = 1024;
constexpr double retry_chance = 0.6;
constexpr double worthwhile_gain = 1.03;

}  // namespace

SequenceGuesses Speculator::begin(int32_t wanted) {
  const int32_t most = wanted < 0 ? guesses_max : std::min(wanted, guesses_max);
  return {options_.ways == Speculation::off ? 0 : most, chances_};
}

// Tokens per second when those answers that have a chance in the plan get so many guesses in
// `seconds`.
double Speculator::draft_rate(std::span<SequenceGuesses* const> answers, int32_t depth,
                              double seconds) {
  offers_.clear();
  falling_.resize(std::max(falling_.size(), answers.size()));
  for (size_t i = 0; i < answers.size(); ++i) {
    const double chance = draft_plan_.chances[i];
    falling_[i].clear();
    double all = 1;
    for (int32_t guess = 0; guess < depth && chance > 0; ++guess)
      falling_[i].push_back(all *= chance);
    offers_.push_back(
        {chance > 0 ? std::span<const double>(falling_[i]) : answers[i]->chances(), 0});
  }
  return choose_depths(offers_, columns_max,
                       [&](int32_t columns) { return costs_.seconds(columns) + seconds; })
      .tokens_per_second;
}

const Speculator::DraftPlan& Speculator::plan_draft(
    std::span<SequenceGuesses* const> answers, const std::function<double(int32_t)>& seconds_of) {
  draft_plan_.depth = 0;
  draft_plan_.chances.assign(answers.size(), 0);
  if (options_.ways == Speculation::lookup || (!costs_.has_any() && !options_.checks_always))
    return draft_plan_;
  const double plain = options_.checks_always ? 0 : draft_rate(answers, 0, 0);
  const bool tries_again = ++steps_without_draft_ > retry_steps_;
  int32_t count = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    double chance = answers[i]->draft_chance();
    if (tries_again) chance = std::max(chance, retry_chance);
    const std::span<const double> known = answers[i]->chances();
    if (!answers[i]->may_draft() || (!known.empty() && known.front() >= chance)) continue;
    draft_plan_.chances[i] = chance;
    ++count;
  }
  if (count == 0) return draft_plan_;
  if (options_.checks_always) {
    draft_plan_.depth = always_depth;
    return draft_plan_;
  }
  double best = plain * worthwhile_gain;
  for (const int32_t depth : depths) {
    const double rate = draft_rate(answers, depth, depth * seconds_of(count));
    if (rate <= best) continue;
    best = rate;
    draft_plan_.depth = depth;
  }
  if (draft_plan_.depth > 0) {
    retry_steps_ = tries_again ? std::min(2 * retry_steps_, retry_steps_max) : retry_steps_min;
    steps_without_draft_ = 0;
  }
  return draft_plan_;
}

void Speculator::choose(std::span<SequenceGuesses* const> answers) {
  if (options_.checks_always) {
    int32_t left = columns_max - static_cast<int32_t>(answers.size());
    for (SequenceGuesses* guesses : answers) {
      guesses->keep(std::min(left, static_cast<int32_t>(guesses->tokens().size())));
      left -= static_cast<int32_t>(guesses->tokens().size());
    }
    return;
  }
  offers_.clear();
  bool has_any = false;
  for (const SequenceGuesses* guesses : answers) {
    offers_.push_back({guesses->chances(), 0});
    has_any = has_any || !guesses->chances().empty();
  }
  // Without a single measurement nothing can be said to pay.
  if (has_any && costs_.has_any())
    choose_depths(offers_, columns_max,
                  [this](int32_t columns) { return costs_.seconds(columns); });
  for (size_t i = 0; i < answers.size(); ++i) answers[i]->keep(offers_[i].depth);
}

void Speculator::count_step(int64_t columns, double seconds) {
  if (columns <= columns_max) costs_.count(static_cast<int32_t>(columns), seconds);
}

}  // namespace hearth::engine
