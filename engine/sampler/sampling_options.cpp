#include "engine/sampler/sampling_options.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "engine/sampler/chain.h"

namespace hearth::engine {
namespace {

constexpr int32_t logprobs_max = 100;
constexpr size_t breakers_max = 64;
constexpr size_t breaker_bytes_max = 256;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

void check_numbers(const SamplingOptions& options) {
  const std::pair<std::string_view, float> numbers[] = {
      {"temperature", options.temperature},
      {"top_p", options.top_p},
      {"min_p", options.min_p},
      {"typical_p", options.typical_p},
      {"top_n_sigma", options.top_n_sigma},
      {"xtc_probability", options.xtc_probability},
      {"xtc_threshold", options.xtc_threshold},
      {"dynatemp_range", options.dynatemp_range},
      {"dynatemp_exponent", options.dynatemp_exponent},
      {"repeat_penalty", options.repeat_penalty},
      {"presence_penalty", options.presence_penalty},
      {"frequency_penalty", options.frequency_penalty},
      {"dry_multiplier", options.dry_multiplier},
      {"dry_base", options.dry_base},
      {"mirostat_tau", options.mirostat_tau},
      {"mirostat_eta", options.mirostat_eta}};
  for (const auto& [name, value] : numbers) {
    if (!std::isfinite(value)) fail(fmt::format("{} is {}, expected a finite number", name, value));
  }
  if (options.repeat_penalty <= 0) {
    fail(fmt::format("repeat_penalty is {}, expected more than 0 (1 is off)",
                     options.repeat_penalty));
  }
  if (options.mirostat < 0 || options.mirostat > 2)
    fail(fmt::format("mirostat is {}, expected 0 (off), 1 or 2", options.mirostat));
  if (options.dry_allowed_length < 0)
    fail(fmt::format("dry_allowed_length is {}, expected at least 0", options.dry_allowed_length));
  if (options.logprobs > logprobs_max)
    fail(fmt::format("logprobs is {}, expected at most {}", options.logprobs, logprobs_max));
}

}  // namespace

void check_sampling_options(const SamplingOptions& options, int64_t vocab_size) {
  check_numbers(options);
  if (options.dry_sequence_breakers.size() > breakers_max)
    fail(fmt::format("{} dry_sequence_breakers, expected at most {}",
                     options.dry_sequence_breakers.size(), breakers_max));
  for (const std::string& breaker : options.dry_sequence_breakers) {
    if (breaker.size() > breaker_bytes_max)
      fail(fmt::format("dry_sequence_breakers: one has {} bytes, expected at most {}",
                       breaker.size(), breaker_bytes_max));
  }
  for (const std::string& name : options.stages) {
    if (find_sampling_stage(name) != nullptr) continue;
    std::string known;
    for (const SamplingStage& stage : sampling_stages())
      known += fmt::format("{}{}", known.empty() ? "" : ", ", stage.name);
    fail(fmt::format("there is no sampling stage \"{}\", only {}", name, known));
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

}  // namespace hearth::engine
