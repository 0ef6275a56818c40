#include "engine/backend/step_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/error.h"

namespace hearth::engine {
namespace {

// Width of the embedding table, which embedding rows must have, and its rows: token ids beyond are
// refused.
const Weight& embedding_table(const Tape& tape) {
  for (const Operation& operation : tape.operations()) {
    const GetRow* get = std::get_if<GetRow>(&operation);
    if (get != nullptr && get->source == RowSource::token) return tape.weight(get->table);
  }
  HEARTH_CHECK(!"a tape starts with get_row");
  return tape.weight(0);
}

}  // namespace

StepContext::StepContext(const Tape& tape, const KernelTable& kernels, const BufferPlan& buffers,
                         std::byte* memory, const BufferSizes& sizes)
    : tape_(&tape), kernels_(&kernels), buffers_(&buffers), memory_(memory), sizes_(sizes) {
  for (const Operation& operation : tape.operations()) {
    const Attention* attention = std::get_if<Attention>(&operation);
    const GetRow* get = std::get_if<GetRow>(&operation);
    if (get != nullptr && get->source == RowSource::position)
      positions_max_ = tape.weight(get->table).row_count;
    is_bidirectional_ = is_bidirectional_ || (attention != nullptr && attention->is_bidirectional);
  }
  places_.resize(static_cast<size_t>(sizes.step_rows));
}

std::span<const QueryChunk> StepContext::chunks(Role role, int32_t tokens) const {
  for (const ChunkList& list : chunk_lists_) {
    if (list.role == role && list.tokens == tokens) return list.chunks;
  }
  HEARTH_CHECK(!"chunks that were not asked for");
  return {};
}

void StepContext::want_chunks(Role role, int32_t tokens) {
  for (const ChunkList& list : chunk_lists_) {
    if (list.role == role && list.tokens == tokens) return;
  }
  chunk_lists_.push_back({role, tokens, {}});
  chunk_lists_.back().chunks.reserve(static_cast<size_t>(sizes_.step_rows));
}

void StepContext::begin(const StepPlan& plan, std::span<PagePool* const> pools,
                        std::span<float> rows) {
  const auto outputs = static_cast<int64_t>(plan.output_tokens.size());
  output_ = plan.output == StepOutput::head ? tape_->logits() : tape_->hidden();
  HEARTH_CHECK(output_ != no_buffer);
  const int64_t output_width = tape_->buffer(output_).width;
  output_stride_bytes_ = output_width * static_cast<int64_t>(sizeof(float));
  HEARTH_CHECK(plan.token_count() > 0 && plan.token_count() <= sizes_.step_rows);
  HEARTH_CHECK(outputs <= sizes_.output_rows);
  HEARTH_CHECK(static_cast<int64_t>(rows.size()) >= outputs * output_width);
  HEARTH_CHECK(plan.positions.size() == plan.tokens.size());
  if (!plan.unsplittable.empty()) {
    throw Error(ErrorCode::unsupported,
                "tokens that attend to one another in both directions are not supported");
  }
  plan_ = &plan;
  pools_ = pools;
  output_rows_ = static_cast<std::byte*>(static_cast<void*>(rows.data()));
  decode_outputs_ = std::lower_bound(plan.output_tokens.begin(), plan.output_tokens.end(),
                                     plan.decode_token_count) -
                    plan.output_tokens.begin();
  HEARTH_CHECK(outputs == 0 ||
               (plan.output_tokens.front() >= 0 && plan.output_tokens.back() < plan.token_count()));
  uses_prompt_attention_ = knows_prompt_attention();
  for (const PagePool* pool : pools_) {
    if (pool->head_shape(0).type == KvType::f32) uses_prompt_attention_ = false;
  }
  place_tokens();
  cut_chunks();
}

void StepContext::place_tokens() {
  longest_sequence_ = 0;
  int64_t next_token = 0;
  int32_t embedding_rows = 0;
  const Weight& table = embedding_table(*tape_);
  for (size_t s = 0; s < plan_->sequences.size(); ++s) {
    const SequenceSpan& span = plan_->sequences[s];
    HEARTH_CHECK(span.first_token == next_token && span.token_count > 0);
    HEARTH_CHECK((span.role == Role::decode) == (next_token < plan_->decode_token_count));
    if (span.adapter >= std::ssize(tape_->adapters())) {
      throw Error(ErrorCode::invalid_argument,
                  "adapter " + std::to_string(span.adapter) + " is not loaded");
    }
    // What comes later would have changed what was computed before.
    HEARTH_CHECK(!is_bidirectional_ || span.cached_tokens == 0);
    const int64_t sequence_tokens = span.cached_tokens + span.token_count;
    longest_sequence_ = std::max(longest_sequence_, sequence_tokens);
    HEARTH_CHECK(span.pages.size() == pools_.size());
    for (std::span<const PageId> pages : span.pages) {
      HEARTH_CHECK(std::ssize(pages) * page_tokens >= sequence_tokens);
    }
    for (int32_t i = 0; i < span.token_count; ++i) {
      const TokenId token = plan_->tokens[static_cast<size_t>(next_token)];
      TokenPlace& place = places_[static_cast<size_t>(next_token++)];
      place = {static_cast<int32_t>(s), span.cached_tokens + i, embedding_rows};
      const int32_t position = plan_->positions[static_cast<size_t>(next_token - 1)][0];
      if (position < 0 || position >= positions_max_) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("position {} is outside the {} that the model knows", position,
                                positions_max_));
      }
      if (token == StepPlan::embedding_token) {
        ++embedding_rows;
      } else if (token < 0 || token >= table.row_count) {
        throw Error(
            ErrorCode::invalid_argument,
            fmt::format("token {} is outside the vocabulary of {} tokens", token, table.row_count));
      }
    }
  }
  HEARTH_CHECK(next_token == plan_->token_count());
  if (std::ssize(plan_->embedding_rows) != embedding_rows * table.width) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("{} tokens are given as embedding rows of {} values, but there are {} values",
                    embedding_rows, table.width, plan_->embedding_rows.size()));
  }
}

void StepContext::cut_chunks() {
  for (ChunkList& list : chunk_lists_) {
    list.chunks.clear();
    for (size_t s = 0; s < plan_->sequences.size(); ++s) {
      const SequenceSpan& span = plan_->sequences[s];
      if (list.role != (uses_prompt_attention_ ? span.role : Role::decode)) continue;
      for (int32_t done = 0; done < span.token_count; done += list.tokens) {
        list.chunks.push_back({static_cast<int32_t>(s), span.first_token + done,
                               std::min(list.tokens, span.token_count - done)});
      }
    }
  }
}

}  // namespace hearth::engine
