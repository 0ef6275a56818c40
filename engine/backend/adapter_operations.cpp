#include "engine/backend/adapter_operations.h"

#include <algorithm>
#include <array>

namespace hearth::engine {
namespace {

// B is multiplied in pieces of this many rows for this many tokens, into memory on the stack.
constexpr int64_t piece_rows = 64;
constexpr int64_t piece_tokens = 16;

// In both roles by the decode role's definition, which reads f32 columns.
void multiply(const StepContext& step, const Weight& weight, const LinearArgs& args) {
  find_format(step.kernels(), weight.type)->decode(args);
}

// Rows of one span, from `first` on.
int64_t rows_of_span(const StepContext& step, RowSet rows, int64_t first) {
  const SequenceSpan& span = step.span_of(rows, first);
  int64_t count = 1;
  while (first + count < step.row_count(rows) && &step.span_of(rows, first + count) == &span) {
    ++count;
  }
  return count;
}

// One piece of B for rows [first_row, first_row + row_count) of the step.
void add_piece(const StepContext& step, const Linear& linear, const Weight& b, RowRange range,
               int64_t first_row, int64_t row_count, const Products& products, void* scratch) {
  std::array<float, piece_rows * piece_tokens> product;
  const std::byte* rows = static_cast<const std::byte*>(b.data) + range.begin * b.row_bytes;
  const int64_t count = range.end - range.begin;
  const LinearArgs args{rows,
                        b.row_bytes,
                        b.width,
                        0,
                        count,
                        step.row_data(linear.adapter_in, first_row),
                        step.stride_bytes(linear.adapter_in),
                        row_count,
                        product.data(),
                        piece_rows,
                        scratch};
  multiply(step, b, args);
  for (int64_t row = 0; row < row_count; ++row) {
    float* out = products.of(first_row + row) + range.begin;
    step.kernels().add(out, product.data() + row * piece_rows, count, out);
  }
}

void add_to_span(const StepContext& step, const Linear& linear, const Weight& b, RowRange range,
                 int64_t first_row, int64_t row_count, const Products& products, void* scratch) {
  for (int64_t begin = range.begin; begin < range.end; begin += piece_rows) {
    const RowRange piece{begin, std::min(range.end, begin + piece_rows)};
    for (int64_t row = 0; row < row_count; row += piece_tokens) {
      add_piece(step, linear, b, piece, first_row + row, std::min(piece_tokens, row_count - row),
                products, scratch);
    }
  }
}

}  // namespace

void run_adapter_down(const StepContext& step, const AdapterDown& op, int64_t row,
                      void* scratch) noexcept {
  const SequenceSpan& span = step.span_of(step.tape().buffer(op.out).rows, row);
  const AdapterPart* part = step.tape().adapter_part(span.adapter, op.slot);
  if (part == nullptr) return;
  const Weight& a = step.tape().weight(part->a);
  float* out = step.row(op.out, row);
  const LinearArgs args{a.data,
                        a.row_bytes,
                        a.width,
                        0,
                        a.row_count,
                        step.row_data(op.in, row),
                        step.stride_bytes(op.in),
                        1,
                        out,
                        step.stride_bytes(op.out) / static_cast<int64_t>(sizeof(float)),
                        scratch};
  multiply(step, a, args);
  step.kernels().scale(out, part->scale * span.adapter_scale, a.row_count, out);
}

void add_adapters(const StepContext& step, const Linear& linear, RowRange range,
                  const Products& products, void* scratch) noexcept {
  const RowSet rows = step.tape().buffer(linear.out).rows;
  for (int64_t row = 0; row < step.row_count(rows);) {
    const int64_t count = rows_of_span(step, rows, row);
    const AdapterPart* part =
        step.tape().adapter_part(step.span_of(rows, row).adapter, linear.adapter_slot);
    if (part != nullptr) {
      add_to_span(step, linear, step.tape().weight(part->b), range, row, count, products, scratch);
    }
    row += count;
  }
}

}  // namespace hearth::engine
