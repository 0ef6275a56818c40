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

void LinearDispatch::run(const StepContext& step, Item item,
                         const LaneMemory& memory) const noexcept {
  if (group_.has_gate) {
    run_gated(step, item, memory);
    return;
  }
  for (int32_t i = 0; i < group_.part_count; ++i) {
    const Linear& linear = group_.parts[static_cast<size_t>(i)];
    const int64_t chunks = chunk_count_of(step.tape().weight(linear.weight).row_count, chunk_rows_);
    if (item.index < chunks) {
      run_part(step, linear, item, memory);
      return;
    }
    item = {item.index - chunks, item.share_end - chunks};
  }
}

void LinearDispatch::run_gated(const StepContext& step, Item chunk,
                               const LaneMemory& memory) const {
  const RowRange range = range_of(step, group_.parts[0], chunk);
  const int64_t rows = step.row_count(rows_);
  // Indexed by weight row, but only the chunk's are there.
  const Products a{memory.products - range.begin, chunk_rows_};
  const Products b{a.data + rows * chunk_rows_, chunk_rows_};
  multiply(step, group_.parts[0], chunk, a, memory.scratch);
  multiply(step, group_.parts[1], chunk, b, memory.scratch);
  for (int64_t row = 0; row < rows; ++row) {
    step.kernels().gate(group_.gate.kind, a.of(row) + range.begin, b.of(row) + range.begin,
                        range.end - range.begin, step.row(group_.gate.out, row) + range.begin);
  }
}

void LinearDispatch::run_part(const StepContext& step, const Linear& linear, Item chunk,
                              const LaneMemory& memory) const {
  if (linear.add_to == no_buffer) {
    const Products out{step.row(linear.out, 0),
                       step.stride_bytes(linear.out) / static_cast<int64_t>(sizeof(float))};
    multiply(step, linear, chunk, out, memory.scratch);
    return;
  }
  const RowRange range = range_of(step, linear, chunk);
  const Products products{memory.products - range.begin, chunk_rows_};
  multiply(step, linear, chunk, products, memory.scratch);
  for (int64_t row = 0; row < step.row_count(rows_); ++row) {
    float* sum = step.row(linear.add_to, row) + range.begin;
    step.kernels().add(sum, products.of(row) + range.begin, range.end - range.begin, sum);
  }
}

RowRange LinearDispatch::range_of(const StepContext& step, const Linear& linear, Item chunk) const {
  const int64_t begin = chunk.index * chunk_rows_;
  return {begin, std::min(step.tape().weight(linear.weight).row_count, begin + chunk_rows_)};
}

void LinearDispatch::multiply(const StepContext& step, const Linear& linear, Item chunk,
                              const Products& products, void* scratch) const {
  const KernelTable& kernels = step.kernels();
  const Weight& weight = step.tape().weight(linear.weight);
  const RowRange range = range_of(step, linear, chunk);
  const int64_t count = step.row_count(rows_);
  const BufferId prompt_in = linear.prompt_in == no_buffer ? linear.in : linear.prompt_in;
  const Columns columns{{step.row_data(linear.in, 0), step.stride_bytes(linear.in)},
                        {step.row_data(prompt_in, 0), step.stride_bytes(prompt_in)},
                        count,
                        step.decode_count(rows_)};
  multiply_rows(kernels, weight, range, std::min(weight.row_count, chunk.share_end * chunk_rows_),
                columns, products, scratch);
  const float* bias = step.vector(linear.bias);
  for (int64_t row = 0; bias != nullptr && row < count; ++row) {
    float* out = products.of(row) + range.begin;
    kernels.add(out, bias + range.begin, range.end - range.begin, out);
  }
  if (linear.adapter_in != no_buffer) add_adapters(step, linear, range, products, scratch);
}

}  // namespace hearth::engine
