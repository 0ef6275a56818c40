#include "engine/backend/attention_dispatch.h"

#include <algorithm>
#include <array>
#include <limits>

namespace hearth::engine {
namespace {

constexpr int64_t segment_tokens = page_tokens * segment_pages;
// Prompts are cut into items of at least this many query rows, which share a page's conversion.
constexpr int64_t prompt_rows_min = 64;
// Items of prompts per lane that are enough to let the lanes finish together.
constexpr int64_t prompt_items_per_lane = 4;

// A segment's states in a slot: maxima [rows], sums [rows], outputs [rows, value_dim]; each kind
// together for all segments, as attention_merge wants them.
struct States {
  float* max;
  float* sum;
  float* out;

  States(float* slot, int64_t segments)
      : max(slot),
        sum(slot + segments * attention_queries_max),
        out(sum + segments * attention_queries_max) {}
};

}  // namespace

void AttentionMemory::reserve(int64_t tokens, int64_t value_dim) {
  const int64_t segments = (tokens + segment_tokens - 1) / segment_tokens;
  const int64_t floats = segments * attention_queries_max * (value_dim + 2);
  if (floats <= slot_floats_) return;
  slot_floats_ = std::max(floats, 2 * slot_floats_);
  memory_.resize(static_cast<size_t>(slot_count() * slot_floats_));
}

void AttentionMemory::reserve_prompts(int64_t rows, int64_t value_dim) {
  prompt_floats_ = rows * (value_dim + 2);
  prompts_.resize(static_cast<size_t>(lanes_ * prompt_floats_));
}

AttentionDispatch::Cut AttentionDispatch::cut_of(int32_t heads, int32_t kv_heads,
                                                 int64_t rows_max) {
  const auto limit = static_cast<int32_t>(rows_max);
  Cut cut;
  cut.kv_heads = kv_heads;
  cut.group_heads = heads / kv_heads;
  cut.piece_count = (cut.group_heads + limit - 1) / limit;
  cut.piece_heads = (cut.group_heads + cut.piece_count - 1) / cut.piece_count;
  cut.chunk_tokens = limit / cut.piece_heads;
  return cut;
}

void AttentionDispatch::want_chunks(StepContext& step, const Attention& op) {
  step.want_chunks(Role::decode, cut_of(op.heads, op.kv_heads).chunk_tokens);
  if (!step.knows_prompt_attention()) return;
  const Cut cut = cut_of(op.heads, op.kv_heads, step.kernels().prompt_query_rows);
  int32_t tokens = cut.chunk_tokens;
  step.want_chunks(Role::prompt, tokens);
  while (tokens / 2 * cut.piece_heads >= prompt_rows_min)
    step.want_chunks(Role::prompt, tokens /= 2);
}

AttentionDispatch::AttentionDispatch(const StepContext& step, const Attention& op,
                                     AttentionMemory& memory)
    : step_(&step),
      op_(op),
      memory_(&memory),
      shape_(step.pool(op.slot.group).head_shape(op.slot.layer)) {
  const int64_t value_width = step.tape().buffer(op.out).width;
  const auto value_heads = static_cast<int32_t>(value_width / shape_.value_dim);
  HEARTH_CHECK(value_heads == op.heads);
  cut_ = cut_of(op.heads, op.kv_heads);
  chunks_ = step.chunks(Role::decode, cut_.chunk_tokens);
  item_count_ = std::ssize(chunks_) * cut_.kv_heads * cut_.piece_count;
  segments_max_ = (step.longest_sequence() + segment_tokens - 1) / segment_tokens;
  is_split_ = item_count_ > 0 && segments_max_ > 1 && item_count_ <= memory.slot_count() &&
              memory.lanes() > 1;
  if (step.uses_prompt_attention()) choose_prompt_chunks(memory.lanes());
}

// The largest chunks that are items enough for all lanes.
void AttentionDispatch::choose_prompt_chunks(int32_t lanes) {
  prompt_cut_ = cut_of(op_.heads, op_.kv_heads, step_->kernels().prompt_query_rows);
  const int64_t per_chunk = int64_t{prompt_cut_.kv_heads} * prompt_cut_.piece_count;
  int32_t tokens = prompt_cut_.chunk_tokens;
  prompt_chunks_ = step_->chunks(Role::prompt, tokens);
  while (tokens / 2 * prompt_cut_.piece_heads >= prompt_rows_min &&
         std::ssize(prompt_chunks_) * per_chunk < prompt_items_per_lane * lanes) {
    prompt_chunks_ = step_->chunks(Role::prompt, tokens /= 2);
  }
  prompt_count_ = std::ssize(prompt_chunks_) * per_chunk;
}

int64_t AttentionDispatch::first_visible(int64_t query) const {
  if (op_.window == 0) return 0;
  const int64_t behind = op_.is_bidirectional ? op_.window / 2 : op_.window - 1;
  return std::max(int64_t{0}, query - behind);
}

int64_t AttentionDispatch::last_visible(int64_t query, int64_t tokens) const {
  if (!op_.is_bidirectional) return query;
  return op_.window > 0 ? std::min(tokens - 1, query + op_.window / 2) : tokens - 1;
}

AttentionDispatch::Item AttentionDispatch::item(std::span<const QueryChunk> chunks, const Cut& cut,
                                                int64_t index) const {
  const auto chunk_count = static_cast<int64_t>(chunks.size());
  Item item{};
  item.chunk = chunks[static_cast<size_t>(index % chunk_count)];
  const auto piece = static_cast<int32_t>(index / chunk_count % cut.piece_count);
  item.kv_head = static_cast<int32_t>(index / chunk_count / cut.piece_count);
  item.first_head = item.kv_head * cut.group_heads + piece * cut.piece_heads;
  item.head_count = std::min(cut.piece_heads, cut.group_heads - piece * cut.piece_heads);
  item.query_start = step_->place(item.chunk.first_token).index;
  const SequenceSpan& span = step_->plan().sequences[static_cast<size_t>(item.chunk.span)];
  item.sequence_tokens = span.cached_tokens + span.token_count;
  item.first_segment = first_visible(item.query_start) / segment_tokens;
  const int64_t query_last = item.query_start + item.chunk.token_count - 1;
  item.last_segment = last_visible(query_last, item.sequence_tokens) / segment_tokens;
  return item;
}

void AttentionDispatch::run(int64_t unit, int32_t lane, void* scratch) const noexcept {
  if (unit < prompt_count_) {
    run_prompt(item(prompt_chunks_, prompt_cut_, unit), memory_->prompt_slot(lane), scratch);
    return;
  }
  unit -= prompt_count_;
  if (is_split_) {
    const int64_t index = unit / segments_max_;
    const Item split = item(index);
    const int64_t segment = split.first_segment + unit % segments_max_;
    if (segment <= split.last_segment) run_segment(split, segment, memory_->slot(index), scratch);
    return;
  }
  const Item whole = item(unit);
  float* states = memory_->slot(lane);
  for (int64_t segment = whole.first_segment; segment <= whole.last_segment; ++segment) {
    run_segment(whole, segment, states, scratch);
  }
  merge_item(whole, states);
}

void AttentionDispatch::merge(int64_t index) const noexcept {
  merge_item(item(index), memory_->slot(index));
}

AttentionArgs AttentionDispatch::segment_args(const Item& item, int64_t segment,
                                              std::span<const void*> pages) const {
  const int64_t query_last = item.query_start + item.chunk.token_count - 1;
  const int64_t first_page = segment * segment_pages;
  const int64_t key_last = last_visible(query_last, item.sequence_tokens);
  const int64_t page_count = std::min(segment_pages, key_last / page_tokens + 1 - first_page);
  const SequenceSpan& span = step_->plan().sequences[static_cast<size_t>(item.chunk.span)];
  const std::span<const PageId> ids = span.pages[static_cast<size_t>(op_.slot.group)];
  const PagePool& pool = step_->pool(op_.slot.group);
  // Pages before the window of the first query are gone; the kernel does not look at them.
  const int64_t first_needed = first_visible(item.query_start) / page_tokens;
  for (int64_t p = std::max(int64_t{0}, first_needed - first_page); p < page_count; ++p) {
    const PageId id = ids[static_cast<size_t>(first_page + p)];
    pages[static_cast<size_t>(p)] = pool.head_data(id, op_.slot.layer, item.kv_head);
  }
  AttentionArgs args{};
  args.queries =
      step_->row(op_.queries, item.chunk.first_token) + int64_t{item.first_head} * shape_.key_dim;
  args.query_token_stride = step_->stride_bytes(op_.queries) / static_cast<int64_t>(sizeof(float));
  args.query_token_count = item.chunk.token_count;
  args.group_heads = item.head_count;
  args.shape = shape_;
  args.pages = pages.data();
  args.page_count = static_cast<int32_t>(page_count);
  args.segment_start = segment * segment_tokens;
  args.query_start = item.query_start;
  args.window = op_.window;
  args.sequence_tokens = op_.is_bidirectional ? item.sequence_tokens : 0;
  args.scale = op_.scale;
  args.soft_cap = op_.soft_cap;
  const float* slopes = step_->vector(op_.slopes);
  args.slopes = slopes == nullptr ? nullptr : slopes + item.first_head;
  return args;
}

void AttentionDispatch::run_segment(const Item& item, int64_t segment, float* states,
                                    void* scratch) const {
  std::array<const void*, segment_pages> pages{};
  AttentionArgs args = segment_args(item, segment, pages);
  const int64_t rows = int64_t{item.chunk.token_count} * item.head_count;
  const int64_t ordinal = segment - item.first_segment;
  const States state(states, item.last_segment - item.first_segment + 1);
  args.state_max = state.max + ordinal * rows;
  args.state_sum = state.sum + ordinal * rows;
  args.state_out = state.out + ordinal * rows * shape_.value_dim;
  args.scratch = scratch;
  step_->kernels().attention_segment(args);
}

void AttentionDispatch::run_prompt(const Item& item, float* states, void* scratch) const {
  const int64_t rows = int64_t{item.chunk.token_count} * item.head_count;
  float* const sums = states + rows;
  float* const outputs = sums + rows;
  std::fill_n(states, rows, -std::numeric_limits<float>::infinity());
  std::fill_n(sums, rows * (1 + shape_.value_dim), 0.0F);
  for (int64_t segment = item.first_segment; segment <= item.last_segment; ++segment) {
    std::array<const void*, segment_pages> pages{};
    AttentionArgs args = segment_args(item, segment, pages);
    args.state_max = states;
    args.state_sum = sums;
    args.state_out = outputs;
    args.scratch = scratch;
    step_->kernels().attention_prompt(args);
  }
  const float* sinks = step_->vector(op_.sinks);
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t head = item.first_head + row % item.head_count;
    float* out = step_->row(op_.out, item.chunk.first_token + row / item.head_count) +
                 head * shape_.value_dim;
    step_->kernels().attention_merge(states + row, sums + row, outputs + row * shape_.value_dim, 1,
                                     rows, shape_.value_dim,
                                     sinks == nullptr ? nullptr : sinks + head, out);
  }
}

void AttentionDispatch::merge_item(const Item& item, float* states) const {
  const States state(states, item.last_segment - item.first_segment + 1);
  const int64_t rows = int64_t{item.chunk.token_count} * item.head_count;
  const float* sinks = step_->vector(op_.sinks);
  for (int32_t t = 0; t < item.chunk.token_count; ++t) {
    // Only the segments this token sees, so that a token's result does not depend on who shares its
    // chunk.
    const int64_t first = first_visible(item.query_start + t) / segment_tokens - item.first_segment;
    const int64_t last = last_visible(item.query_start + t, item.sequence_tokens) / segment_tokens -
                         item.first_segment;
    float* out = step_->row(op_.out, item.chunk.first_token + t) +
                 int64_t{item.first_head} * shape_.value_dim;
    for (int32_t h = 0; h < item.head_count; ++h) {
      const int64_t row = first * rows + t * item.head_count + h;
      step_->kernels().attention_merge(
          state.max + row, state.sum + row, state.out + row * shape_.value_dim, last - first + 1,
          rows, shape_.value_dim, sinks == nullptr ? nullptr : sinks + item.first_head + h,
          out + int64_t{h} * shape_.value_dim);
    }
  }
}

}  // namespace hearth::engine
