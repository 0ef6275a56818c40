#include "engine/backend/moe_dispatch.h"

#include <algorithm>
#include <cstring>

#include "engine/tape/column_stride.h"

namespace hearth::engine {
namespace {

// Below this a sum of shares counts as this much: all of them may have come out as zero.
constexpr float least_share_sum = 6.103515625e-5F;

const FormatKernels& format_in(const StepContext& step, const ExpertMatrix& matrix) {
  return *format_of(step.kernels(), step.tape().weight(matrix.weight));
}

}  // namespace

MoeMemory::MoeMemory(const Tape& tape, const KernelTable& kernels, const BufferSizes& sizes) {
  int64_t slots = 0;
  int64_t columns = 0;
  int64_t values = 0;
  size_t experts = 0;
  for (const Operation& operation : tape.operations()) {
    const Moe* moe = std::get_if<Moe>(&operation);
    if (moe == nullptr) continue;
    const Buffer& out = tape.buffer(moe->out);
    const int64_t op_slots =
        moe->used * (out.rows == RowSet::step ? sizes.step_rows : sizes.output_rows);
    const int64_t hidden = tape.weight(moe->down.weight).width;
    const int64_t widest = std::max(out.width, hidden);
    slots = std::max(slots, op_slots);
    for (const ExpertMatrix& matrix : {moe->gate, moe->up, moe->down}) {
      const FormatKernels* format = format_of(kernels, tape.weight(matrix.weight));
      columns = std::max(columns, op_slots * SlotColumns(kernels, *format, widest).stride_bytes());
    }
    values = std::max(values, op_slots * std::max(out.width, 2 * hidden));
    experts = std::max(experts, static_cast<size_t>(moe->count));
  }
  if (slots == 0) return;
  choices_.resize(static_cast<size_t>(slots));
  slot_rows_.resize(static_cast<size_t>(slots));
  active_.reserve(experts);
  columns_ = AlignedMemory(columns, "the experts' columns");
  values_ =
      AlignedMemory(values * static_cast<int64_t>(sizeof(float)), "the experts' hidden values");
}

MoeDispatch::MoeDispatch(const StepContext& step, const Moe& op, MoeMemory& memory, int32_t lanes)
    : step_(&step),
      op_(&op),
      memory_(&memory),
      rows_(step.tape().buffer(op.out).rows),
      row_count_(step.row_count(rows_)),
      width_(step.tape().buffer(op.out).width),
      hidden_width_(step.tape().weight(op.down.weight).width),
      inputs_(step.kernels(), format_in(step, op.up), width_),
      hidden_(step.kernels(), format_in(step, op.down), hidden_width_),
      up_chunk_rows_(chunk_rows_of(step.tape().weight(op.up.weight).row_bytes,
                                   2 * hidden_width_ * op.used, prompt_columns(), lanes)),
      down_chunk_rows_(chunk_rows_of(step.tape().weight(op.down.weight).row_bytes, width_ * op.used,
                                     prompt_columns(), lanes)) {
  // Two matrices that read different columns share those of the decode role.
  if (format_in(step, op.gate).prompt_column != format_in(step, op.up).prompt_column)
    inputs_.use_decode_only();
}

SlotColumns::SlotColumns(const KernelTable& kernels, const FormatKernels& format, int64_t width)
    : decode_kind_(format.column),
      prompt_kind_(format.prompt_column),
      stride_bytes_(column_stride(std::max(kernels.column_bytes(decode_kind_, width),
                                           kernels.column_bytes(prompt_kind_, width)))) {}

int64_t MoeDispatch::prompt_columns() const {
  return (row_count_ - step_->decode_count(rows_)) * op_->used / op_->count;
}

int64_t MoeDispatch::up_count() const {
  return std::ssize(memory_->active_) * chunk_count_of(hidden_width_, up_chunk_rows_);
}

int64_t MoeDispatch::down_count() const {
  return std::ssize(memory_->active_) * chunk_count_of(width_, down_chunk_rows_);
}

bool MoeDispatch::reads_prompt_column(int64_t slot) const {
  return memory_->slot_rows_[static_cast<size_t>(slot)] >= step_->decode_count(rows_);
}

float* MoeDispatch::gate_values(int64_t slot) const {
  return static_cast<float*>(static_cast<void*>(memory_->values_.data())) + slot * hidden_width_;
}

float* MoeDispatch::up_values(int64_t slot) const {
  return gate_values(slot_count() + slot);
}

float* MoeDispatch::output_values(int64_t slot) const {
  return static_cast<float*>(static_cast<void*>(memory_->values_.data())) + slot * width_;
}

void MoeDispatch::choose(int64_t row) const noexcept {
  float* values = step_->row(op_->logits, row);
  if (op_->gating == ExpertGating::softmax) step_->kernels().softmax(values, op_->count, values);
  Choice* choices = choices_of(row);
  // Largest first; of equal ones the first.
  int32_t filled = 0;
  for (int32_t expert = 0; expert < op_->count; ++expert) {
    int32_t place = filled;
    while (place > 0 && values[expert] > choices[place - 1].share) --place;
    if (place == op_->used) continue;
    filled = std::min(filled + 1, op_->used);
    for (int32_t i = filled - 1; i > place; --i) choices[i] = choices[i - 1];
    choices[place] = {expert, values[expert], 0};
  }
  std::sort(choices, choices + op_->used,
            [](const Choice& a, const Choice& b) { return a.expert < b.expert; });
  // Behind the logits of the chosen ones nothing else of the row is needed.
  for (int32_t i = 0; i < op_->used; ++i) values[i] = choices[i].share;
  if (op_->gating == ExpertGating::softmax_of_chosen)
    step_->kernels().softmax(values, op_->used, values);
  float sum = 1.0F;
  if (op_->renormalizes) {
    sum = 0;
    for (int32_t i = 0; i < op_->used; ++i) sum += values[i];
    sum = std::max(sum, least_share_sum);
  }
  for (int32_t i = 0; i < op_->used; ++i) choices[i].share = values[i] / sum * op_->scale;
}

void MoeDispatch::arrange() const noexcept {
  std::vector<ActiveExpert>& active = memory_->active_;
  active.assign(static_cast<size_t>(op_->count), {});
  const int64_t decode_rows = step_->decode_count(rows_);
  for (int64_t row = 0; row < row_count_; ++row) {
    for (int32_t i = 0; i < op_->used; ++i) {
      ActiveExpert& expert = active[static_cast<size_t>(choices_of(row)[i].expert)];
      ++expert.slot_count;
      expert.decode_count += row < decode_rows ? 1 : 0;
    }
  }
  int64_t first = 0;
  for (size_t e = 0; e < active.size(); ++e) {
    active[e].expert = static_cast<int32_t>(e);
    active[e].first_slot = first;
    first += active[e].slot_count;
    active[e].slot_count = 0;  // counted again below
  }
  for (int64_t row = 0; row < row_count_; ++row) {
    for (int32_t i = 0; i < op_->used; ++i) {
      Choice& choice = choices_of(row)[i];
      ActiveExpert& expert = active[static_cast<size_t>(choice.expert)];
      choice.slot = expert.first_slot + expert.slot_count++;
      memory_->slot_rows_[static_cast<size_t>(choice.slot)] = row;
    }
  }
  std::erase_if(active, [](const ActiveExpert& expert) { return expert.slot_count == 0; });
}

void MoeDispatch::gather(int64_t slot) const noexcept {
  const int64_t row = memory_->slot_rows_[static_cast<size_t>(slot)];
  const bool is_prompt = op_->prompt_in != no_buffer && reads_prompt_column(slot);
  const BufferId in = is_prompt ? op_->prompt_in : op_->in;
  const int64_t bytes = step_->kernels().column_bytes(step_->tape().buffer(in).kind, width_);
  std::memcpy(memory_->columns_.data() + slot * inputs_.stride_bytes(), step_->row_data(in, row),
              static_cast<size_t>(bytes));
}

MoeDispatch::Piece MoeDispatch::piece_of(int64_t item, int64_t share_end, int64_t rows,
                                         int64_t chunk_rows) const {
  const int64_t chunks = chunk_count_of(rows, chunk_rows);
  const int64_t begin = item % chunks * chunk_rows;
  const int64_t own_end = share_end - item / chunks * chunks;
  return {&memory_->active_[static_cast<size_t>(item / chunks)],
          {begin, std::min(rows, begin + chunk_rows)},
          std::min(rows, own_end * chunk_rows)};
}

// Products and bias of one piece of a matrix, for all slots of its expert.
void MoeDispatch::multiply(const ExpertMatrix& matrix, int64_t rows_per_expert, const Piece& piece,
                           const SlotColumns& slots, const Products& products,
                           void* scratch) const {
  const ActiveExpert& expert = *piece.expert;
  Weight weight = step_->tape().weight(matrix.weight);
  const int64_t first_row = expert.expert * rows_per_expert;
  weight.data = static_cast<const std::byte*>(weight.data) +
                row_offset(weight.layout, weight.row_bytes, first_row);
  const ColumnSpan span{memory_->columns_.data() + expert.first_slot * slots.stride_bytes(),
                        slots.stride_bytes()};
  const Columns columns{span, span, expert.slot_count,
                        slots.is_decode_only() ? expert.slot_count : expert.decode_count};
  multiply_rows(step_->kernels(), weight, piece.rows, piece.fetch_end, columns, products, scratch);
  const float* bias = step_->vector(matrix.bias);
  for (int64_t i = 0; bias != nullptr && i < expert.slot_count; ++i) {
    float* out = products.of(i) + piece.rows.begin;
    step_->kernels().add(out, bias + first_row + piece.rows.begin,
                         piece.rows.end - piece.rows.begin, out);
  }
}

void MoeDispatch::run_up(int64_t item, int64_t share_end, void* scratch) const noexcept {
  const Piece piece = piece_of(item, share_end, hidden_width_, up_chunk_rows_);
  const ActiveExpert& expert = *piece.expert;
  float* gate = gate_values(expert.first_slot);
  float* up = up_values(expert.first_slot);
  multiply(op_->gate, hidden_width_, piece, inputs_, {gate, hidden_width_}, scratch);
  multiply(op_->up, hidden_width_, piece, inputs_, {up, hidden_width_}, scratch);
  for (int64_t i = 0; i < expert.slot_count; ++i) {
    float* a = gate + i * hidden_width_ + piece.rows.begin;
    step_->kernels().gate(op_->activation, a, up + i * hidden_width_ + piece.rows.begin,
                          piece.rows.end - piece.rows.begin, a);
  }
}

void MoeDispatch::prepare_hidden(int64_t slot) const noexcept {
  step_->kernels().prepare_column(hidden_.kind(reads_prompt_column(slot)), gate_values(slot),
                                  hidden_width_,
                                  memory_->columns_.data() + slot * hidden_.stride_bytes());
}

void MoeDispatch::run_down(int64_t item, int64_t share_end, void* scratch) const noexcept {
  const Piece piece = piece_of(item, share_end, width_, down_chunk_rows_);
  multiply(op_->down, width_, piece, hidden_, {output_values(piece.expert->first_slot), width_},
           scratch);
}

void MoeDispatch::sum(int64_t row) const noexcept {
  const KernelTable& kernels = step_->kernels();
  float* out = step_->row(op_->out, row);
  std::fill(out, out + width_, 0.0F);
  for (int32_t i = 0; i < op_->used; ++i) {
    const Choice& choice = choices_of(row)[i];
    kernels.add_scaled(output_values(choice.slot), choice.share, width_, out);
  }
  if (op_->shared == no_buffer) return;
  // The softmax of x and 0 begins with the sigmoid of x.
  float gate[2] = {0, 0};
  if (op_->shared_gate != no_buffer) {
    gate[0] = *step_->row(op_->shared_gate, row);
    kernels.softmax(gate, 2, gate);
  } else {
    gate[0] = 1.0F;
  }
  kernels.add_scaled(step_->row(op_->shared, row), gate[0], width_, out);
}

}  // namespace hearth::engine
