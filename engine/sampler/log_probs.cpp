#include "engine/sampler/log_probs.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hearth::engine {

LogProbMeter::LogProbMeter(int64_t vocab_size, int64_t top)
    : top_(top), best_(vocab_size, std::max<int64_t>(1, top)) {
  logits_.reserve(static_cast<size_t>(vocab_size));
  row_.reserve(static_cast<size_t>(top) + 1);
}

void LogProbMeter::measure(std::span<const float> logits) {
  logits_.assign(logits.begin(), logits.end());
  row_.assign(1, {});
  Candidates best = best_.select(logits);
  if (best.items.empty()) {
    log_sum_ = 0;
    return;
  }
  sort_by_logit(best);
  const double largest = best.items[0].logit;
  double sum = 0;
  for (const float logit : logits) {
    if (logit > -std::numeric_limits<float>::infinity())
      sum += std::exp(std::min(static_cast<float>(logit - largest), 0.0f));
  }
  log_sum_ = largest + std::log(sum);
  const size_t count = std::min(best.items.size(), static_cast<size_t>(top_));
  for (const Candidate& item : best.items.first(count))
    row_.push_back({item.id, static_cast<float>(item.logit - log_sum_)});
}

std::span<const TokenLogProb> LogProbMeter::row(TokenId chosen) {
  row_[0] = {chosen, static_cast<float>(logits_[static_cast<size_t>(chosen)] - log_sum_)};
  return row_;
}

}  // namespace hearth::engine
