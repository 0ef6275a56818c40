// The model's own log-probabilities of a step: natural logarithms of the softmax over the whole
// vocabulary, before bias, penalties and temperature.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/sampler/stages.h"
#include "engine/token_id.h"

namespace hearth::engine {

struct TokenLogProb {
  TokenId id = 0;
  float value = 0;
};

// Belongs to one sampler. All buffers are made by the constructor.
class LogProbMeter {
 public:
  // `top`: how many of the likeliest tokens are wanted beside the chosen one; may be 0.
  LogProbMeter(int64_t vocab_size, int64_t top);

  // Before anything changes the logits; not-a-numbers count as minus infinity.
  void measure(std::span<const float> logits);
  // Completes the row: the chosen token, then the likeliest ones, best first. Fewer than `top` when
  // not so many are possible. Valid until the next call.
  std::span<const TokenLogProb> row(TokenId chosen);

 private:
  int64_t top_;
  CandidateBuffer best_;
  std::vector<float> logits_;
  double log_sum_ = 0;
  std::vector<TokenLogProb> row_;
};

}  // namespace hearth::engine
