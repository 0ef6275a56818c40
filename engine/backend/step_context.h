// What the lanes of a backend share while one step runs: the tape with its memory, the plan, and
// where each token and each attention work item belongs. Filled by the calling thread before the
// lanes start; read-only for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/check.h"
#include "engine/kv_cache/page_pool.h"
#include "engine/step_plan.h"
#include "engine/tape/passes.h"
#include "engine/tape/tape.h"

namespace hearth::engine {

struct TokenPlace {
  int32_t span = 0;
  int64_t index = 0;          // in its sequence, and so in the cache
  int32_t embedding_row = 0;  // of StepPlan::embedding_rows, for tokens given as rows
};

// Consecutive tokens of one span that one attention call takes together.
struct QueryChunk {
  int32_t span = 0;
  int32_t first_token = 0;  // of the step
  int32_t token_count = 0;
};

class StepContext {
 public:
  StepContext(const Tape& tape, const KernelTable& kernels, const BufferPlan& buffers,
              std::byte* memory, const BufferSizes& sizes);

  // Throws Error{invalid_argument | unsupported} for what a step cannot contain.
  void begin(const StepPlan& plan, std::span<PagePool* const> pools, std::span<float> rows);

  const Tape& tape() const { return *tape_; }
  const KernelTable& kernels() const { return *kernels_; }
  const StepPlan& plan() const { return *plan_; }
  PagePool& pool(int32_t group) const { return *pools_[static_cast<size_t>(group)]; }
  const TokenPlace& place(int64_t token) const { return places_[static_cast<size_t>(token)]; }

  int64_t row_count(RowSet rows) const {
    return rows == RowSet::step ? plan_->token_count()
                                : static_cast<int64_t>(plan_->output_tokens.size());
  }
  // Rows in the decode role; they come first in both row sets.
  int64_t decode_count(RowSet rows) const {
    return rows == RowSet::step ? plan_->decode_token_count : decode_outputs_;
  }

  // The span whose token a row of `rows` stands for.
  const SequenceSpan& span_of(RowSet rows, int64_t row) const {
    const int64_t token =
        rows == RowSet::step ? row : plan_->output_tokens[static_cast<size_t>(row)];
    return plan_->sequences[static_cast<size_t>(place(token).span)];
  }

  std::byte* row_data(BufferId buffer, int64_t row) const {
    if (buffer == output_) return output_rows_ + row * output_stride_bytes_;
    const BufferPlace& place = buffers_->places[static_cast<size_t>(buffer)];
    return memory_ + place.offset_bytes + row * place.stride_bytes;
  }
  int64_t stride_bytes(BufferId buffer) const {
    return buffer == output_ ? output_stride_bytes_
                             : buffers_->places[static_cast<size_t>(buffer)].stride_bytes;
  }
  float* row(BufferId buffer, int64_t row) const {
    return static_cast<float*>(static_cast<void*>(row_data(buffer, row)));
  }
  const float* vector(WeightId weight) const {
    return weight == no_weight ? nullptr : static_cast<const float*>(tape_->weight(weight).data);
  }

  // Whether the kernels have an attention of their own for prompts, and whether this step uses it:
  // caches of f32 keep all of a value, and so does their attention.
  bool knows_prompt_attention() const {
    return !kernels_->roles_agree && kernels_->attention_prompt != nullptr;
  }
  bool uses_prompt_attention() const { return uses_prompt_attention_; }
  // The spans whose attention is computed in this role, cut into chunks of at most `tokens` tokens,
  // none across spans. Without an attention of prompts all spans are in the decode role.
  std::span<const QueryChunk> chunks(Role role, int32_t tokens) const;
  // Asks for chunks(role, tokens) in every step; called while the backend is built.
  void want_chunks(Role role, int32_t tokens);
  // Most cached tokens any span has at the end of this step.
  int64_t longest_sequence() const { return longest_sequence_; }

 private:
  void place_tokens();
  void cut_chunks();

  const Tape* tape_;
  const KernelTable* kernels_;
  const BufferPlan* buffers_;
  std::byte* memory_;
  BufferSizes sizes_;
  bool is_bidirectional_ = false;
  bool uses_prompt_attention_ = false;
  int64_t positions_max_ = std::numeric_limits<int32_t>::max();
  const StepPlan* plan_ = nullptr;
  std::span<PagePool* const> pools_;
  BufferId output_ = no_buffer;  // lies in the caller's memory during this step
  std::byte* output_rows_ = nullptr;
  int64_t output_stride_bytes_ = 0;
  int64_t decode_outputs_ = 0;
  int64_t longest_sequence_ = 0;
  std::vector<TokenPlace> places_;
  struct ChunkList {
    Role role;
    int32_t tokens;
    std::vector<QueryChunk> chunks;
  };
  std::vector<ChunkList> chunk_lists_;
};

}  // namespace hearth::engine
