#include "engine/sampler/sampler.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "engine/sampler/token_bits.h"

namespace hearth::engine {
namespace {

const SamplingOptions& checked(const SamplingOptions& options, int64_t vocab_size) {
  check_sampling_options(options, vocab_size);
  return options;
}

uint64_t choose_seed(int64_t seed) {
  if (seed >= 0) return static_cast<uint64_t>(seed);
  // One that can be asked for again.
  std::random_device device;
  return ((uint64_t{device()} << 32) | device()) >> 1;
}

int64_t tokens_back(int32_t last_n, int64_t context_tokens) {
  return last_n < 0 ? context_tokens : std::min<int64_t>(last_n, context_tokens);
}

PenaltyOptions penalty_options(const SamplingOptions& options, int64_t context_tokens) {
  return {options.repeat_penalty, options.presence_penalty, options.frequency_penalty,
          tokens_back(options.repeat_last_n, context_tokens)};
}

DryOptions dry_options(const SamplingOptions& options, int64_t context_tokens) {
  return {options.dry_multiplier, options.dry_base, options.dry_allowed_length,
          tokens_back(options.dry_penalty_last_n, context_tokens)};
}

std::vector<const SamplingStage*> choose_stages(const SamplingOptions& options) {
  std::vector<const SamplingStage*> chosen;
  if (options.mirostat > 0) {
    chosen.push_back(find_sampling_stage("temperature"));
  } else if (options.stages.empty()) {
    for (const SamplingStage& stage : sampling_stages()) chosen.push_back(&stage);
  } else {
    for (const std::string& name : options.stages) chosen.push_back(find_sampling_stage(name));
  }
  return chosen;
}

// Where nothing needs to see the others first, only the candidates that top_k leaves are collected.
int64_t candidates_needed(const SamplingOptions& options) {
  constexpr int64_t all = 0;
  const bool takes_best = options.temperature <= 0 && options.dynatemp_range <= 0;
  if (options.mirostat > 0 && !takes_best) return all;
  if (!options.stages.empty() && options.stages.front() != "top_k") return all;
  if (options.stages.empty() && takes_best) return 1;
  return options.stages.empty() && options.top_n_sigma > 0 ? all : options.top_k;
}

void show(const Sampler::Observer& observer, std::string_view stage, Candidates& candidates) {
  softmax(candidates);
  observer(stage, candidates.items);
}

[[noreturn]] void fail_without_candidates() {
  throw Error(ErrorCode::internal,
              "no token is possible: every logit is minus infinity or not a number");
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options, int64_t vocab_size, int64_t context_tokens,
                 std::shared_ptr<const DryBreakers> breakers)  // shared: see DryPenalty
    : options_(checked(options, vocab_size)),
      vocab_size_(vocab_size),
      random_(choose_seed(options.seed)),
      penalties_(penalty_options(options, context_tokens), vocab_size),
      dry_(dry_options(options, context_tokens), std::move(breakers), vocab_size),
      stages_(choose_stages(options)),
      buffer_(vocab_size, candidates_needed(options)) {
  if (options.mirostat > 0)
    mirostat_.emplace(options.mirostat, options.mirostat_tau, options.mirostat_eta, vocab_size);
  if (options.logprobs >= 0) meter_.emplace(vocab_size, options.logprobs);
}

void Sampler::accept(TokenId token) {
  penalties_.accept(token);
  dry_.accept(token);
}

void Sampler::change_logits(std::span<float> logits, const Observer& observer) {
  const auto show_logits = [&](std::string_view stage) {
    if (!observer) return;
    CandidateBuffer all(vocab_size_, 0);
    Candidates candidates = all.select(logits);
    if (!candidates.items.empty()) show(observer, stage, candidates);
  };
  for (const LogitBias& bias : options_.logit_bias)
    logits[static_cast<size_t>(bias.token)] += bias.bias;
  show_logits("logit_bias");
  penalties_.apply(logits);
  show_logits("penalties");
  dry_.apply(logits);
  show_logits("dry");
}

void Sampler::run_chain(Candidates& candidates, const Observer& observer) {
  for (const SamplingStage* stage : stages_) {
    stage->apply(candidates, options_, random_);
    if (observer) show(observer, stage->name, candidates);
  }
  if (!mirostat_) return;
  mirostat_->cut(candidates);
  if (observer) show(observer, "mirostat", candidates);
}

Candidates Sampler::select(std::span<const float> logits, const Observer& observer,
                           std::span<const uint64_t> allowed) {
  // An observer wants to see what the selection skips.
  if (observer) return observed_.emplace(vocab_size_, 0).select(logits);
  return buffer_.select(logits, allowed);
}

TokenId Sampler::choose(std::span<const float> logits, const Observer& observer,
                        std::span<const uint64_t> allowed) {
  const bool takes_best =
      options_.temperature <= 0 && options_.dynatemp_range <= 0 && options_.stages.empty();
  if (takes_best && !observer && allowed.empty()) {
    const TokenId best = best_token(logits);
    if (best < 0) fail_without_candidates();
    return best;
  }
  Candidates candidates = select(logits, observer, allowed);
  if (candidates.items.empty()) fail_without_candidates();
  run_chain(candidates, observer);
  const Candidate& drawn = draw(candidates, random_.next());
  if (mirostat_) mirostat_->observe(drawn);
  return drawn.id;
}

TokenId Sampler::sample(std::span<float> logits, const Observer& observer,
                        std::span<const uint64_t> allowed) {
  HEARTH_CHECK(static_cast<int64_t>(logits.size()) >= vocab_size_);
  HEARTH_CHECK(allowed.empty() || std::ssize(allowed) >= (vocab_size_ + 63) / 64);
  const auto used = logits.first(static_cast<size_t>(vocab_size_));
  if (meter_) meter_->measure(used);
  change_logits(used, observer);
  // A few candidates are picked out one by one, and the others need not be looked at.
  if (!allowed.empty() && (observer || !buffer_.can_pick(allowed))) {
    forbid_tokens(used, allowed);
    allowed = {};
  }
  const TokenId token = choose(used, observer, allowed);
  if (meter_) log_probs_ = meter_->row(token);
  return token;
}

}  // namespace hearth::engine
