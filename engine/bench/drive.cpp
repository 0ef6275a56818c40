// See drive.h.
#include "engine/bench/drive.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/error.h"
#include "engine/kv_cache/plan_span.h"

namespace hearth::engine {
namespace {

using Seconds = std::chrono::duration<double>;

// Prompts and answers draw different tokens.
constexpr uint64_t prompt_seed = uint64_t{1} << 32;
// Few enough for every model's decode kernels to take all columns at once.
constexpr int32_t exact_step_tokens = 32;

// The finaliser of SplitMix64: well mixed, and the same everywhere.
uint64_t mixed(uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

TokenId token_at(uint64_t seed, int64_t position, int64_t vocab_size) {
  const uint64_t drawn = mixed(mixed(seed) + static_cast<uint64_t>(position));
  return static_cast<TokenId>(drawn % static_cast<uint64_t>(vocab_size));
}

// Pages of every cache group.
int64_t pages_each(const BenchDriveOptions& options) {
  return std::max(page_count_for(options.prompt_tokens_max),
                  options.streams_max * page_count_for(options.decode_tokens));
}

bool are_same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace

double relative_error(std::span<const float> values, std::span<const float> truth) {
  double mean = 0;
  for (const float value : truth) mean += double{value};
  mean /= static_cast<double>(truth.size());
  double error = 0, variance = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    const double difference = double{values[i]} - double{truth[i]};
    const double deviation = double{truth[i]} - mean;
    error += difference * difference;
    variance += deviation * deviation;
  }
  return error == 0 ? 0 : error / variance;
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return Seconds(std::chrono::steady_clock::now() - begin).count();
}

BenchDrive::BenchDrive(ModelRunner& model, const KernelTable& kernels,
                       const BenchDriveOptions& options)
    : model_(model), pools_(model.cache_shape(), options.kv_type, kernels, pages_each(options)) {}

double BenchDrive::read_prompt(int32_t token_count) {
  start(1, token_count, prompt_seed + static_cast<uint64_t>(token_count));
  return seconds_of([&] {
    for (int32_t done = 0; done < token_count; done += bench_step_tokens) {
      const int32_t count = std::min(bench_step_tokens, token_count - done);
      run(Role::prompt, count, done + count == token_count);
    }
  });
}

double BenchDrive::write_answers(int32_t streams, int32_t step_count) {
  start(streams, step_count, 0);
  return seconds_of([&] {
    for (int32_t step = 0; step < step_count; ++step) run(Role::decode, 1, true);
  });
}

std::string BenchDrive::digest() const {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const std::byte value : std::as_bytes(std::span(logits_)))
    hash = (hash ^ std::to_integer<uint64_t>(value)) * 0x100000001b3U;
  return fmt::format("{:016x}", hash);
}

double BenchDrive::prompt_error(int32_t token_count, std::span<const float> logits) {
  read_exactly(prompt_seed + static_cast<uint64_t>(token_count), token_count);
  return relative_error(logits, logits_);
}

bool BenchDrive::answers_are_exact(int32_t streams, int32_t step_count) {
  const std::vector<float> timed = logits_;
  const auto vocab_size = static_cast<size_t>(model_.vocab_size());
  bool is_exact = true;
  for (const int32_t stream : {0, streams - 1}) {
    read_exactly(static_cast<uint64_t>(stream), step_count);
    is_exact &= are_same_bits(
        std::span(timed).subspan(static_cast<size_t>(stream) * vocab_size, vocab_size), logits_);
  }
  return is_exact;
}

void BenchDrive::read_exactly(uint64_t seed, int32_t token_count) {
  start(1, token_count, seed);
  for (int32_t done = 0; done < token_count; done += exact_step_tokens) {
    const int32_t count = std::min(exact_step_tokens, token_count - done);
    run(Role::decode, count, done + count == token_count);
  }
}

void BenchDrive::start(int32_t sequences, int64_t context_tokens, uint64_t first_seed) {
  caches_.clear();
  for (int32_t i = 0; i < sequences; ++i) {
    caches_.push_back(
        std::make_unique<SequenceCache>(model_.cache_shape(), pools_.all(), context_tokens));
  }
  first_seed_ = first_seed;
  logits_.resize(static_cast<size_t>(sequences) * static_cast<size_t>(model_.vocab_size()));
}

void BenchDrive::run(Role role, int32_t tokens_each, bool wants_logits) {
  plan_ = {};
  for (size_t sequence = 0; sequence < caches_.size(); ++sequence) {
    SequenceCache& cache = *caches_[sequence];
    if (!cache.extend(tokens_each))
      throw Error(ErrorCode::internal, "the benchmark ran out of cache pages");
    begin_span(plan_, cache, cache.length(), role);
    for (int32_t i = 0; i < tokens_each; ++i)
      add_token(plan_, token_at(first_seed_ + sequence, cache.length() + i, model_.vocab_size()));
    if (wants_logits) plan_.output_tokens.push_back(plan_.token_count() - 1);
  }
  const size_t values = plan_.output_tokens.size() * static_cast<size_t>(model_.vocab_size());
  model_.run(plan_, pools_.all(), std::span(logits_).first(values), {});
  for (const std::unique_ptr<SequenceCache>& cache : caches_) {
    cache->advance(tokens_each);
    cache->slide_windows();
  }
}

}  // namespace hearth::engine
