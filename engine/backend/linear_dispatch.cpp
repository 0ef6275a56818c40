#include "engine/backend/linear_dispatch.h"

#include <algorithm>

#include "engine/backend/adapter_operations.h"

namespace hearth::engine {
namespace {

// Kernels work on tiles of 16 rows, so chunks are multiples of that. A chunk is long enough to hide
// the cost of claiming it, and short enough that the lanes finish together.
constexpr int64_t tile_rows = 16;
constexpr int64_t chunk_bytes = 32 << 10;

int64_t chunks_of(int64_t rows, int64_t chunk_rows) {
  return (rows + chunk_rows - 1) / chunk_rows;
}

}  // namespace

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
  const int64_t by_bytes = chunk_bytes / row_bytes_max / tile_rows * tile_rows;
  const int64_t by_share = chunks_of(chunks_of(total_rows, lanes), tile_rows) * tile_rows;
  chunk_rows_ = std::max(tile_rows, std::min(by_bytes, by_share));
  for (int32_t i = 0; i < (group_.has_gate ? 1 : group_.part_count); ++i) {
    const Weight& weight = step.tape().weight(group_.parts[static_cast<size_t>(i)].weight);
    item_count_ += chunks_of(weight.row_count, chunk_rows_);
  }
}

void LinearDispatch::run(const StepContext& step, Item item, void* scratch) const noexcept {
  if (!group_.has_gate) {
    for (int32_t i = 0; i < group_.part_count; ++i) {
      const Linear& linear = group_.parts[static_cast<size_t>(i)];
      const int64_t chunks = chunks_of(step.tape().weight(linear.weight).row_count, chunk_rows_);
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
  const FormatKernels& format = *find_format(kernels, weight.type);
  const int64_t count = step.row_count(rows_);
  const int64_t decode_count =
      kernels.roles_agree && step.decode_count(rows_) < count ? 0 : step.decode_count(rows_);
  LinearArgs args{weight.data,
                  weight.row_bytes,
                  weight.width,
                  begin,
                  end,
                  step.row_data(linear.in, 0),
                  step.stride_bytes(linear.in),
                  decode_count,
                  step.row(linear.out, 0),
                  step.stride_bytes(linear.out) / static_cast<int64_t>(sizeof(float)),
                  scratch,
                  std::min(weight.row_count, chunk.share_end * chunk_rows_)};
  if (decode_count > 0) format.decode(args);
  if (decode_count < count) {
    args.columns = step.row_data(linear.in, decode_count);
    args.output = step.row(linear.out, decode_count);
    args.column_count = count - decode_count;
    format.prompt(args);
  }
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
