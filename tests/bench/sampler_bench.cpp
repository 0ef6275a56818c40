// What choosing a token costs: microseconds of processor time per token for the usual chains and
// sizes of vocabularies, on logits that spread like a model's. Copying the logits is part of it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <string>
#include <vector>

#include "engine/sampler/random.h"
#include "engine/sampler/sampler.h"

namespace {

using namespace hearth::engine;

struct Chain {
  std::string name;
  SamplingOptions options;
};

std::vector<Chain> chains() {
  std::vector<Chain> list;
  const auto add = [&](std::string name, const auto& change) {
    Chain chain{std::move(name), {}};
    chain.options.seed = 1;
    change(chain.options);
    list.push_back(std::move(chain));
  };
  add("greedy", [](auto& o) { o.temperature = 0; });
  add("defaults", [](auto&) {});
  add("defaults, min_p 0.05", [](auto& o) { o.min_p = 0.05f; });
  add("defaults, all penalties", [](auto& o) {
    o.repeat_penalty = 1.1f;
    o.presence_penalty = o.frequency_penalty = 0.1f;
    o.dry_multiplier = 0.8f;
  });
  add("defaults, 5 log-probabilities", [](auto& o) { o.logprobs = 5; });
  add("temperature only", [](auto& o) { o.top_k = 0, o.top_p = 1; });
  add("top_p only", [](auto& o) { o.top_k = 0; });
  add("min_p only", [](auto& o) { o.top_k = 0, o.top_p = 1, o.min_p = 0.05f; });
  add("top_n_sigma only", [](auto& o) { o.top_k = 0, o.top_p = 1, o.top_n_sigma = 1; });
  add("typical_p only", [](auto& o) { o.top_k = 0, o.top_p = 1, o.typical_p = 0.9f; });
  add("xtc only", [](auto& o) { o.top_k = 0, o.top_p = 1, o.xtc_probability = 0.5f; });
  add("mirostat 1", [](auto& o) { o.mirostat = 1; });
  add("mirostat 2", [](auto& o) { o.mirostat = 2; });
  return list;
}

// Normally distributed with deviation 3.
std::vector<float> model_like_logits(size_t count) {
  CounterRandom random(3);
  std::vector<float> logits(count);
  for (float& logit : logits) {
    const double radius = std::sqrt(-2 * std::log(1 - random.next()));
    logit = static_cast<float>(3 * radius * std::cos(6.283185307 * random.next()));
  }
  return logits;
}

double microseconds_per_token(const SamplingOptions& options, const std::vector<float>& logits) {
  constexpr int tokens = 30;
  constexpr int rounds = 5;
  Sampler sampler(options, static_cast<int64_t>(logits.size()), 4096);
  double best = std::numeric_limits<double>::max();
  std::vector<float> copy;
  for (int round = 0; round < rounds; ++round) {
    const std::clock_t start = std::clock();
    for (int i = 0; i < tokens; ++i) {
      copy = logits;
      sampler.accept(sampler.sample(copy));
    }
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best * 1e6 / tokens;
}

}  // namespace

int main() {
  fmt::print("microseconds per token, by size of the vocabulary\n{:32}", "");
  const size_t sizes[] = {32'000, 128'000, 256'000};
  for (const size_t size : sizes) fmt::print("{:>10}", size);
  for (const Chain& chain : chains()) {
    fmt::print("\n{:32}", chain.name);
    for (const size_t size : sizes)
      fmt::print("{:10.1f}", microseconds_per_token(chain.options, model_like_logits(size)));
  }
  fmt::print("\n");
}
