// Sequences over one model without scheduler, sampler or tokenizer, for measuring: every step is
// all streams, or one chunk of a prompt. Tokens are drawn by sequence and position, so a timed run
// can be computed again in another way, and its logits compared.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/kv_cache/page_pools.h"
#include "engine/kv_cache/sequence_cache.h"
#include "engine/models/model_runner.h"

namespace hearth::engine {

// Tokens of a prompt that are read in one step.
inline constexpr int32_t bench_step_tokens = 512;

// Squared error over the variance of `truth`; 0 only for the same values.
double relative_error(std::span<const float> values, std::span<const float> truth);
double seconds_of(const std::function<void()>& work);

struct BenchDriveOptions {
  KvType kv_type = KvType::f16;
  int64_t prompt_tokens_max = 0;  // longest prompt to be read
  int32_t streams_max = 0;        // most sequences decoding together
  int32_t decode_tokens = 0;      // steps of each
};

class BenchDrive {
 public:
  // `model` and `kernels` must outlive the drive. Reserves cache pages; they take memory when
  // tokens fill them.
  BenchDrive(ModelRunner& model, const KernelTable& kernels, const BenchDriveOptions& options);

  // Seconds to read a prompt, the logits of its last token included.
  double read_prompt(int32_t token_count);
  // Seconds to write `step_count` tokens in each of `streams` answers that begin with nothing.
  double write_answers(int32_t streams, int32_t step_count);

  // The logits of the last run: one row per sequence, after its last token.
  std::span<const float> logits() const { return logits_; }
  // 16 hexadecimal digits that stand for their bits.
  std::string digest() const;

  // What read_prompt(token_count) gave against the same tokens in the decode role, as
  // relative_error.
  double prompt_error(int32_t token_count, std::span<const float> logits);
  // Whether the first and the last stream of the last write_answers have the bits that come out
  // when each is computed alone, its tokens in a few steps of many instead of one by one.
  bool answers_are_exact(int32_t streams, int32_t step_count);

 private:
  void start(int32_t sequences, int64_t context_tokens, uint64_t first_seed);
  void run(Role role, int32_t tokens_each, bool wants_logits);
  // All tokens of one sequence in the decode role.
  void read_exactly(uint64_t seed, int32_t token_count);

  ModelRunner& model_;
  PagePools pools_;
  std::vector<std::unique_ptr<SequenceCache>> caches_;
  uint64_t first_seed_ = 0;  // sequence i draws its tokens from first_seed_ + i
  std::vector<float> logits_;
  StepPlan plan_;
};

}  // namespace hearth::engine
