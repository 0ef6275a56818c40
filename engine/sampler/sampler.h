// Choosing the next token of one sequence from the model's logits.
// The order is llama.cpp's: logit bias, penalties, DRY, then the table of chain.h (top-n-sigma,
// top-k, typical, top-p, min-p, XTC, temperature), then a draw. With mirostat the temperature comes
// first and mirostat takes the place of the cuts. Every draw uses numbers that depend only on the
// seed and on how many were drawn before (random.h), so the same seed gives the same text whatever
// else is in the batch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/sampler/chain.h"
#include "engine/sampler/dry.h"
#include "engine/sampler/log_probs.h"
#include "engine/sampler/mirostat.h"
#include "engine/sampler/random.h"
#include "engine/sampler/sampling_options.h"
#include "engine/sampler/stages.h"
#include "engine/token_id.h"

namespace hearth::engine {

// Belongs to one sequence; not thread-safe. All buffers are made by the constructor.
class Sampler {
 public:
  // Called with the candidates after each stage, p filled, for inspection.
  using Observer = std::function<void(std::string_view stage, std::span<const Candidate>)>;

  // `vocab_size` as the tokenizer says; `context_tokens` is what "the whole context" means.
  // `breakers` are those of the options' dry_sequence_breakers; null: none. Throws as
  // check_sampling_options().
  Sampler(const SamplingOptions& options, int64_t vocab_size, int64_t context_tokens,
          std::shared_ptr<const DryBreakers> breakers = nullptr);  // shared: see DryPenalty

  // Tokens of the prompt and every chosen token, in order: they feed the penalties. sample() does
  // not call it.
  void accept(TokenId token);
  // `logits` are at least vocab_size values for the next token and are changed by bias and
  // penalties; values behind vocab_size (padding of the matrix) are ignored. Not-a-numbers count as
  // minus infinity. Of equal logits the lowest id is the best. Throws Error{internal} when no token
  // is possible.
  // With `allowed` (a bit per token) only those are possible; log-probabilities stay the model's.
  TokenId sample(std::span<float> logits, const Observer& observer = nullptr,
                 std::span<const uint64_t> allowed = {});
  // Log-probabilities of the last sample() where the options asked for them: the chosen token, then
  // the likeliest. Valid until the next sample().
  std::span<const TokenLogProb> log_probs() const { return log_probs_; }

  // The seed in use, also when it was chosen at random.
  uint64_t seed() const { return random_.seed(); }

 private:
  void change_logits(std::span<float> logits, const Observer& observer);
  TokenId choose(std::span<const float> logits, const Observer& observer,
                 std::span<const uint64_t> allowed);
  Candidates select(std::span<const float> logits, const Observer& observer,
                    std::span<const uint64_t> allowed);
  void run_chain(Candidates& candidates, const Observer& observer);

  SamplingOptions options_;
  int64_t vocab_size_;
  CounterRandom random_;
  PenaltyWindow penalties_;
  DryPenalty dry_;
  std::optional<Mirostat> mirostat_;
  std::vector<const SamplingStage*> stages_;
  CandidateBuffer buffer_;
  std::optional<CandidateBuffer> observed_;  // of all candidates, when somebody looks on
  std::optional<LogProbMeter> meter_;
  std::span<const TokenLogProb> log_probs_;
};

}  // namespace hearth::engine
