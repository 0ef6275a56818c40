// What one step of the engine computes: flat arrays, decided by the scheduler, executed by a
// backend. docs/steps-and-cache.md is the contract; tests build plans by hand.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

using PageId = int32_t;
inline constexpr PageId no_page = -1;  // not yet filled, or slid out of a window

enum class Role : uint8_t { decode, prompt };

// What a step gives for each wanted token: logits (or scores), or the values in front of the head.
enum class StepOutput : uint8_t { head, hidden };

// Consecutive tokens of one sequence within the step.
struct SequenceSpan {
  int32_t first_token = 0;  // index into the step's token arrays
  int32_t token_count = 0;
  int64_t cached_tokens = 0;  // tokens of the sequence already in the cache; the span's token i has
                              // index cached_tokens + i
  Role role = Role::prompt;
  int32_t adapter = -1;        // number of a loaded adapter; -1: none
  float adapter_scale = 1.0F;  // times the adapter's own
  // Per cache group, the page of every page ordinal of the sequence, the span's own tokens
  // included.
  std::vector<std::span<const PageId>> pages;
};

// Tokens [first, first + count) attend to one another in both directions and must be in one step
// (pictures).
struct UnsplittableSpan {
  int32_t first_token = 0;
  int32_t token_count = 0;
};

struct StepPlan {
  // Spans in Role::decode come first, so that both roles are contiguous ranges of tokens.
  std::vector<SequenceSpan> sequences;
  int32_t decode_token_count = 0;

  std::vector<TokenId> tokens;  // [tokens]; embedding_token where a row is given instead
  std::vector<std::array<int32_t, 3>> positions;  // [tokens]; three equal values for text
  std::vector<float> embedding_rows;  // rows for the tokens that are embedding_token, in order
  std::vector<UnsplittableSpan> unsplittable;
  std::vector<int32_t>
      output_tokens;  // ascending token indices whose logits (or hidden rows) are wanted

  StepOutput output = StepOutput::head;

  static constexpr TokenId embedding_token = -1;
  int32_t token_count() const { return static_cast<int32_t>(tokens.size()); }
};

}  // namespace hearth::engine
