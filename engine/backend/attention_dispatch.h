// One attention on the CPU. A work item is (query chunk, KV head), done over all segments of pages
// and merged; where there are fewer of them than the lanes can share, an item is also cut by
// segments and merged afterwards. Both ways compute the same segments and merge them in the same
// order, so the result is the same.
//
// Where the kernel table has an attention of its own for prompts, spans in the prompt role go
// through that: in larger chunks, never cut by segments, each segment joined to the state at once.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/backend/step_context.h"

namespace hearth::engine {

// Segment states of the items that are in work. Grows only when sequences get longer than ever
// before.
class AttentionMemory {
 public:
  explicit AttentionMemory(int32_t lanes) : lanes_(lanes) {}

  // Slots for items over sequences of `tokens` tokens with values of `value_dim`. Not from inside a
  // step's lanes.
  void reserve(int64_t tokens, int64_t value_dim);
  int32_t lanes() const { return lanes_; }
  // Items are cut by segments below this many.
  int64_t slot_count() const { return int64_t{4} * lanes_; }
  float* slot(int64_t index) { return memory_.data() + index * slot_floats_; }

  // States of one prompt item per lane: `rows` query rows. Called while the backend is built.
  void reserve_prompts(int64_t rows, int64_t value_dim);
  float* prompt_slot(int32_t lane) { return prompts_.data() + lane * prompt_floats_; }

 private:
  int32_t lanes_;
  int64_t slot_floats_ = 0;
  std::vector<float> memory_;
  int64_t prompt_floats_ = 0;
  std::vector<float> prompts_;
};

class AttentionDispatch {
 public:
  // How the query heads of a KV head are cut: `heads` of them at a time, `tokens` tokens at a time.
  struct Cut {
    int32_t kv_heads = 0;
    int32_t group_heads = 0;  // query heads per KV head
    int32_t piece_heads = 0;
    int32_t piece_count = 0;
    int32_t chunk_tokens = 0;
  };
  // Of calls that take at most `rows_max` query rows.
  static Cut cut_of(int32_t heads, int32_t kv_heads, int64_t rows_max = attention_queries_max);
  // Asks `step` for the chunks that this attention needs in every step.
  static void want_chunks(StepContext& step, const Attention& op);

  AttentionDispatch(const StepContext& step, const Attention& op, AttentionMemory& memory);

  bool is_split() const { return is_split_; }
  // Units of the first phase: items of prompts, then whole items or, when split, (item, segment).
  int64_t unit_count() const {
    return prompt_count_ + (is_split_ ? item_count_ * segments_max_ : item_count_);
  }
  // Units of the second phase, which needs a barrier in front; 0 when not split.
  int64_t merge_count() const { return is_split_ ? item_count_ : 0; }
  // `scratch`: KernelTable::attention_scratch_bytes of the calling lane.
  void run(int64_t unit, int32_t lane, void* scratch) const noexcept;
  void merge(int64_t item) const noexcept;

 private:
  struct Item {
    QueryChunk chunk;
    int32_t kv_head;
    int32_t first_head;
    int32_t head_count;
    int64_t query_start;
    int64_t sequence_tokens;
    int64_t first_segment;
    int64_t last_segment;
  };

  int64_t first_visible(int64_t query) const;
  // `tokens`: of the sequence at the end of the step.
  int64_t last_visible(int64_t query, int64_t tokens) const;
  // Number `index` of the items that `chunks` and the KV heads make.
  Item item(std::span<const QueryChunk> chunks, const Cut& cut, int64_t index) const;
  Item item(int64_t index) const { return item(chunks_, cut_, index); }
  void choose_prompt_chunks(int32_t lanes);
  void run_prompt(const Item& item, float* states, void* scratch) const;
  // Everything about a segment's call but the states.
  AttentionArgs segment_args(const Item& item, int64_t segment, std::span<const void*> pages) const;
  void run_segment(const Item& item, int64_t segment, float* states, void* scratch) const;
  void merge_item(const Item& item, float* states) const;

  const StepContext* step_;
  Attention op_;
  AttentionMemory* memory_;
  KvHeadShape shape_;
  Cut cut_;
  std::span<const QueryChunk> chunks_;
  int64_t item_count_ = 0;
  Cut prompt_cut_;
  std::span<const QueryChunk> prompt_chunks_;
  int64_t prompt_count_ = 0;
  int64_t segments_max_ = 0;
  bool is_split_ = false;
};

}  // namespace hearth::engine
