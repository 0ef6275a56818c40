#include "engine/sampler/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace hearth::engine {
namespace {

// One row per stage between the selection and the draw, in the order they run.
struct StageRow {
  std::string_view name;
  void (*apply)(Candidates& candidates, const SamplingOptions& options);
};

constexpr StageRow chain[] = {
    {"top_k", [](Candidates& c, const SamplingOptions& o) { top_k(c, o.top_k); }},
    {"typical_p", [](Candidates& c, const SamplingOptions& o) { typical_p(c, o.typical_p); }},
    {"top_p", [](Candidates& c, const SamplingOptions& o) { top_p(c, o.top_p); }},
    {"min_p", [](Candidates& c, const SamplingOptions& o) { min_p(c, o.min_p); }},
    {"temperature", [](Candidates& c, const SamplingOptions& o) { temperature(c, o.temperature); }},
};

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

void check_options(const SamplingOptions& options, int64_t vocab_size) {
  const std::pair<std::string_view, float> numbers[] = {
      {"temperature", options.temperature},
      {"top_p", options.top_p},
      {"min_p", options.min_p},
      {"typical_p", options.typical_p},
      {"repeat_penalty", options.repeat_penalty},
      {"presence_penalty", options.presence_penalty},
      {"frequency_penalty", options.frequency_penalty}};
  for (const auto& [name, value] : numbers) {
    if (!std::isfinite(value)) fail(fmt::format("{} is {}, expected a finite number", name, value));
  }
  if (options.repeat_penalty <= 0) {
    fail(fmt::format("repeat_penalty is {}, expected more than 0 (1 is off)",
                     options.repeat_penalty));
  }
  for (const LogitBias& bias : options.logit_bias) {
    if (bias.token < 0 || bias.token >= vocab_size) {
      fail(fmt::format("logit_bias for token {}, expected an id below {}", bias.token, vocab_size));
    }
    if (!(bias.bias < std::numeric_limits<float>::infinity())) {
      fail(fmt::format("logit_bias for token {} is {}, expected a number or minus infinity",
                       bias.token, bias.bias));
    }
  }
}

const SamplingOptions& checked(const SamplingOptions& options, int64_t vocab_size) {
  check_options(options, vocab_size);
  return options;
}

uint64_t choose_seed(int64_t seed) {
  if (seed >= 0) return static_cast<uint64_t>(seed);
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

PenaltyOptions penalty_options(const SamplingOptions& options, int64_t context_tokens) {
  const int64_t last_n = options.repeat_last_n < 0
                             ? context_tokens
                             : std::min<int64_t>(options.repeat_last_n, context_tokens);
  return {options.repeat_penalty, options.presence_penalty, options.frequency_penalty, last_n};
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options, int64_t vocab_size, int64_t context_tokens)
    : options_(checked(options, vocab_size)),
      vocab_size_(vocab_size),
      random_(choose_seed(options.seed)),
      penalties_(penalty_options(options, context_tokens), vocab_size),
      buffer_(vocab_size, options.temperature > 0 ? options.top_k : 1) {}

void Sampler::accept(TokenId token) {
  penalties_.accept(token);
}

void Sampler::apply_bias(std::span<float> logits) const {
  for (const LogitBias& bias : options_.logit_bias)
    logits[static_cast<size_t>(bias.token)] += bias.bias;
}

TokenId Sampler::sample(std::span<float> logits) {
  HEARTH_CHECK(static_cast<int64_t>(logits.size()) >= vocab_size_);
  const auto used = logits.first(static_cast<size_t>(vocab_size_));
  apply_bias(used);
  penalties_.apply(used);
  const auto fail_without = [](bool is_possible) {
    if (!is_possible)
      throw Error(ErrorCode::internal,
                  "no token is possible: every logit is minus infinity or not a number");
  };
  if (options_.temperature <= 0) {
    const TokenId best = best_token(used);
    fail_without(best >= 0);
    return best;
  }
  Candidates candidates = buffer_.select(used);
  fail_without(!candidates.items.empty());
  for (const StageRow& stage : chain) stage.apply(candidates, options_);
  return draw(candidates, random_.next());
}

}  // namespace hearth::engine
