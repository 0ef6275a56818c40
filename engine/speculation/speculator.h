// Decides, step by step, how many guesses of which answers the model is to check: what gives the
// most tokens per second by what was measured. Used by the engine worker only.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/speculation.h"
#include "engine/speculation/guess_chances.h"
#include "engine/speculation/guess_depths.h"
#include "engine/speculation/sequence_guesses.h"
#include "engine/speculation/step_costs.h"

namespace hearth::engine {

struct SpeculationOptions {
  Speculation ways = Speculation::automatic;
  // Whatever they cost and however bad they are: for tests of what must not depend on guesses.
  bool checks_always = false;
};

class Speculator {
 public:
  // Guesses of one answer that a step checks at most.
  static constexpr int32_t guesses_max = 15;
  // Tokens a step computes at most when some of them are guesses.
  static constexpr int32_t columns_max = StepCosts::columns_max;

  explicit Speculator(const SpeculationOptions& options) : options_(options) {}

  // `wanted` as GenerationRequest::guesses_max.
  SequenceGuesses begin(int32_t wanted);
  bool may_guess(int64_t answer_count) const {
    return options_.ways != Speculation::off && answer_count > 0 && answer_count < columns_max;
  }
  bool looks_up() const { return options_.ways != Speculation::draft; }

  // How many guesses of a draft model are worth the time it takes to make them, and which answers
  // are to get them instead of those they have.
  struct DraftPlan {
    int32_t depth = 0;
    std::vector<double> chances;  // per answer: of one guess; 0: this one keeps what it has
  };
  // `seconds_of`: one guess for each of so many answers.
  const DraftPlan& plan_draft(std::span<SequenceGuesses* const> answers,
                              const std::function<double(int32_t)>& seconds_of);

  // Cuts the guesses of all answers of a step down to what pays.
  void choose(std::span<SequenceGuesses* const> answers);
  // What such a step is expected to take. Something must have been counted.
  double step_seconds(int32_t columns) const { return costs_.seconds(columns); }
  // A step of nothing but answers, guesses included, took this long.
  void count_step(int64_t columns, double seconds);

 private:
  SpeculationOptions options_;
  double draft_rate(std::span<SequenceGuesses* const> answers, int32_t depth, double seconds);

  CommonChances chances_;
  StepCosts costs_;
  std::vector<GuessOffer> offers_;
  DraftPlan draft_plan_;
  std::vector<std::vector<double>> falling_;  // per answer
  int64_t steps_without_draft_ = 0;
  int64_t retry_steps_ = 64;  // a draft model that did not pay is tried again after as many
};

}  // namespace hearth::engine
