// Choosing the next token of one sequence from the model's logits.
// The order is llama.cpp's: logit bias, penalties, top-k, typical, top-p, min-p, temperature, then
// a draw. The cuts see the probabilities before the temperature. Every draw uses a number that
// depends only on the seed and on how many were drawn before (random.h), so the same seed gives the
// same text whatever else is in the batch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/sampler/random.h"
#include "engine/sampler/stages.h"
#include "engine/token_id.h"

namespace hearth::engine {

struct LogitBias {
  TokenId token = 0;
  float bias = 0;  // added to the logit; minus infinity forbids the token
};

// Names and defaults are those of the native API's `options`.
struct SamplingOptions {
  float temperature = 0.8f;  // divides the logits; 0 or less: always the best token
  int32_t top_k = 40;        // keep the k best; 0 or less: off
  float top_p = 0.9f;        // keep the best until their probabilities sum to p; 1 or more: off
  float min_p = 0.0f;        // drop what is less likely than p times the best; 0 or less: off
  float typical_p =
      1.0f;  // keep the least surprising until their probabilities sum to p; 1 or more: off
  float repeat_penalty =
      1.0f;  // divides positive and multiplies negative logits of tokens seen; 1: off
  int32_t repeat_last_n = 64;  // how many last tokens count as seen; 0: none, -1: the whole context
  float presence_penalty = 0.0f;   // subtracted once from tokens seen
  float frequency_penalty = 0.0f;  // subtracted per occurrence
  int64_t seed = -1;               // -1: a random one
  std::vector<LogitBias> logit_bias;
};

// Belongs to one sequence; not thread-safe. All buffers are made by the constructor.
class Sampler {
 public:
  // `vocab_size` as the tokenizer says; `context_tokens` is what repeat_last_n = -1 means. Throws
  // Error{invalid_argument} for options that are not numbers, for repeat_penalty <= 0 and for a
  // biased token outside the vocabulary.
  Sampler(const SamplingOptions& options, int64_t vocab_size, int64_t context_tokens);

  // Tokens of the prompt and every chosen token, in order: they feed the penalties. sample() does
  // not call it.
  void accept(TokenId token);
  // `logits` are at least vocab_size values for the next token and are changed by bias and
  // penalties; values behind vocab_size (padding of the matrix) are ignored. Not-a-numbers count as
  // minus infinity. Of equal logits the lowest id is the best. Throws Error{internal} when no token
  // is possible.
  TokenId sample(std::span<float> logits);

  // The seed in use, also when it was chosen at random.
  uint64_t seed() const { return random_.seed(); }

 private:
  void apply_bias(std::span<float> logits) const;

  SamplingOptions options_;
  int64_t vocab_size_;
  CounterRandom random_;
  PenaltyWindow penalties_;
  CandidateBuffer buffer_;
};

}  // namespace hearth::engine
