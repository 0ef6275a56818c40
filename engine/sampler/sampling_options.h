// What a request may ask of sampling, as values; checked by check_sampling_options().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

struct LogitBias {
  TokenId token = 0;
  float bias = 0;  // added to the logit; minus infinity forbids the token
};

// Names and defaults are those of the native API's `options` where it has them, else those of
// llama.cpp.
struct SamplingOptions {
  float temperature = 0.8f;  // divides the logits; 0 or less: always the best token
  int32_t top_k = 40;        // keep the k best; 0 or less: off
  float top_p = 0.9f;        // keep the best until their probabilities sum to p; 1 or more: off
  float min_p = 0.0f;        // drop what is less likely than p times the best; 0 or less: off
  float typical_p =
      1.0f;  // keep the least surprising until their probabilities sum to p; 1 or more: off
  float top_n_sigma = -1.0f;     // drop logits n deviations below the best; 0 or less: off
  float xtc_probability = 0.0f;  // how often the likeliest tokens are left out; 0 or less: off
  float xtc_threshold = 0.1f;    // all but the least likely of those above it; above 0.5: off
  float dynatemp_range = 0.0f;   // the temperature moves this far with the entropy; 0: fixed
  float dynatemp_exponent = 1.0f;
  int32_t min_keep = 0;  // candidates that top_p, min_p, typical_p and xtc leave at least
  float repeat_penalty =
      1.0f;  // divides positive and multiplies negative logits of tokens seen; 1: off
  int32_t repeat_last_n = 64;  // how many last tokens count as seen; 0: none, -1: the whole context
  float presence_penalty = 0.0f;    // subtracted once from tokens seen
  float frequency_penalty = 0.0f;   // subtracted per occurrence
  float dry_multiplier = 0.0f;      // price of continuing a repetition; 0: off
  float dry_base = 1.75f;           // grows by this factor per token repeated; below 1: off
  int32_t dry_allowed_length = 2;   // repetitions that are free
  int32_t dry_penalty_last_n = -1;  // tokens looked back on; 0: none, -1: the whole context
  std::vector<std::string> dry_sequence_breakers = {"\n", ":", "\"", "*"};
  int32_t mirostat = 0;  // 1 or 2: keeps the surprise per token near tau instead of top_k to xtc
  float mirostat_tau = 5.0f;
  float mirostat_eta = 0.1f;
  int64_t seed = -1;  // -1: a random one
  std::vector<LogitBias> logit_bias;
  int32_t logprobs = -1;  // log-probabilities of the chosen token and this many likeliest; -1: none
  // The cuts to make, by name and in this order (sampling_stages() lists them); empty: all of them
  // in the usual order.
  std::vector<std::string> stages;
};

// Throws Error{invalid_argument} naming the option for numbers that are none, a repeat_penalty that
// is not above 0, versions and stages that do not exist, more than 100 log-probabilities, and a
// biased token outside the vocabulary.
void check_sampling_options(const SamplingOptions& options, int64_t vocab_size);

}  // namespace hearth::engine
