#include "engine/backend/linear_dispatch.h"

#include <algorithm>

#include "engine/backend/adapter_operations.h"
#include "engine/backend/row_chunks.h"

namespace hearth::engine {
LinearDispatch::LinearDispatch(const StepContext& step, const Operation& operation, int32_t lanes) {
  if (const Linear* linear = std::get_if<Linear>(&operation)) {
    group_.parts[0] = *linear;
    group_.part_count = 1;
  } else {
    group_ = std::get<LinearGroup>(operation);
  }
  rows_ = step.tape().buffer(group_.parts[0].in).rows;
  int64_t row_bytes_max = 1;
  int64_t total_rows = 0;
  for (int32_t i = 0; i < group_.part_count; ++i) {
    const Weight& weight = step.tape().weight(group_.parts[static_cast<size_t>(i)].weight);
    row_bytes_max = std::max(row_bytes_max, weight.row_bytes);
    total_rows += weight.row_count;
    work_ += weight.row_count * weight.width * step.row_count(rows_);
  }
  chunk_rows_ = chunk_rows_of(row_bytes_max, total_rows,
                              step.row_count(rows_) - step.decode_count(rows_), lanes);
  for (int32_t i = 0; i < (group_.has_gate ? 1 : group_.part_count); ++i) {
    const Weight& weight = step.tape().weight(group_.parts[static_cast<size_t>(i)].weight);
    item_count_ += chunk_count_of(weight.row_count, chunk_rows_);
  }
}

void LinearDispatch::run(const StepContext& step, Item item, void* scratch) const noexcept {
  if (!group_.has_gate) {
    for (int32_t i = 0; i < group_.part_count; ++i) {
      const Linear& linear = group_.parts[static_cast<size_t>(i)];
      const int64_t chunks =
          chunk_count_of(step.tape().weight(linear.weight).row_count, chunk_rows_);
      if (item.index < chunks) {
        run_rows(step, linear, item, scratch);
        return;
      }
      item = {item.index - chunks, item.share_end - chunks};
    }
    return;
  }
  // A gated group works on the same rows of both matrices, so that the gate finds both halves in
  // the cache.
  run_rows(step, group_.parts[0], item, scratch);
  run_rows(step, group_.parts[1], item, scratch);
  const int64_t begin = item.index * chunk_rows_;
  const int64_t end =
      std::min(step.tape().weight(group_.parts[0].weight).row_count, begin + chunk_rows_);
  for (int64_t row = 0; row < step.row_count(rows_); ++row) {
    step.kernels().gate(group_.gate.kind, step.row(group_.gate.a, row) + begin,
                        step.row(group_.gate.b, row) + begin, end - begin,
                        step.row(group_.gate.out, row) + begin);
  }
}

void LinearDispatch::run_rows(const StepContext& step, const Linear& linear, Item chunk,
                              void* scratch) const {
  const KernelTable& kernels = step.kernels();
  const Weight& weight = step.tape().weight(linear.weight);
  const int64_t begin = chunk.index * chunk_rows_;
  const int64_t end = std::min(weight.row_count, begin + chunk_rows_);
  const int64_t count = step.row_count(rows_);
  const BufferId prompt_in = linear.prompt_in == no_buffer ? linear.in : linear.prompt_in;
  const Columns columns{{step.row_data(linear.in, 0), step.stride_bytes(linear.in)},
                        {step.row_data(prompt_in, 0), step.stride_bytes(prompt_in)},
                        count,
                        step.decode_count(rows_),
                        step.row(linear.out, 0),
                        step.stride_bytes(linear.out) / static_cast<int64_t>(sizeof(float))};
  multiply_rows(kernels, weight, {begin, end},
                std::min(weight.row_count, chunk.share_end * chunk_rows_), columns, scratch);
  const float* bias = step.vector(linear.bias);
  for (int64_t row = 0; bias != nullptr && row < count; ++row) {
    float* out = step.row(linear.out, row) + begin;
    kernels.add(out, bias + begin, end - begin, out);
  }
  if (linear.adapter_in != no_buffer) add_adapters(step, linear, {begin, end}, scratch);
  if (linear.add_to == no_buffer) return;
  for (int64_t row = 0; row < count; ++row) {
    float* sum = step.row(linear.add_to, row) + begin;
    kernels.add(sum, step.row(linear.out, row) + begin, end - begin, sum);
  }
}

}  // namespace hearth::engine
