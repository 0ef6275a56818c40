#include "engine/backend/row_operations.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/backend/adapter_operations.h"

namespace hearth::engine {
namespace {

void run(const StepContext& step, const GetRow& op, int64_t row) {
  const Weight& table = step.tape().weight(op.table);
  float* out = step.row(op.out, row);
  int32_t token = 0;
  if (op.source == RowSource::token) token = step.plan().tokens[static_cast<size_t>(row)];
  if (op.source == RowSource::position) token = step.plan().positions[static_cast<size_t>(row)][0];
  if (token == StepPlan::embedding_token) {
    const float* given =
        step.plan().embedding_rows.data() + step.place(row).embedding_row * table.width;
    std::memcpy(out, given, static_cast<size_t>(table.width) * sizeof(float));
    return;
  }
  const FormatKernels& format = *find_format(step.kernels(), table.type);
  if (table.layout == Layout::tiles) {
    format.get_tile_row(table.data, token, table.width, out);
  } else {
    const std::byte* source = static_cast<const std::byte*>(table.data) + token * table.row_bytes;
    format.get_row(source, table.width, out);
  }
  if (op.scale != 1.0F) step.kernels().scale(out, op.scale, table.width, out);
}

void run(const StepContext& step, const RopeAngles& op, int64_t row) {
  const RopeTable& table = step.tape().ropes()[static_cast<size_t>(op.rope)];
  rope_angles(table, step.plan().positions[static_cast<size_t>(row)][0], step.row(op.out, row));
}

void run(const StepContext& step, const Norm& op, int64_t row) {
  if (op.kind == NormKind::layer) {
    step.kernels().layer_norm(step.row(op.in, row), step.vector(op.weight), step.vector(op.bias),
                              step.tape().buffer(op.in).width, op.epsilon, step.row(op.out, row));
    return;
  }
  step.kernels().rms_norm(step.row(op.in, row), step.vector(op.weight),
                          step.tape().buffer(op.in).width, op.epsilon, step.row(op.out, row));
}

void run(const StepContext& step, const HeadNorm& op, int64_t row) {
  float* head = step.row(op.buffer, row);
  const float* weight = step.vector(op.weight);
  for (int32_t h = 0; h < op.heads; ++h, head += op.head_dim) {
    if (op.kind == NormKind::rms) {
      step.kernels().rms_norm(head, weight, op.head_dim, op.epsilon, head);
    } else {
      step.kernels().layer_norm(head, weight + int64_t{h} * op.head_dim, nullptr, op.head_dim,
                                op.epsilon, head);
    }
  }
}

void run(const StepContext& step, const Rope& op, int64_t row) {
  const float* angles = step.row(op.angles, row);
  const int64_t pairs = step.tape().buffer(op.angles).width / 2;
  float* head = step.row(op.buffer, row);
  for (int32_t h = 0; h < op.heads; ++h, head += op.head_dim) {
    step.kernels().rope(head, angles, pairs, op.style);
  }
}

void run(const StepContext& step, const StoreKv& op, int64_t row) {
  const TokenPlace& place = step.place(row);
  const PagePool& pool = step.pool(op.slot.group);
  const KvHeadShape shape = pool.head_shape(op.slot.layer);
  const auto& pages = step.plan().sequences[static_cast<size_t>(place.span)].pages;
  const PageId page =
      pages[static_cast<size_t>(op.slot.group)][static_cast<size_t>(place.index / page_tokens)];
  const auto kv_heads = static_cast<int32_t>(step.tape().buffer(op.key).width / shape.key_dim);
  const float* key = step.row(op.key, row);
  const float* value = step.row(op.value, row);
  for (int32_t h = 0; h < kv_heads; ++h, key += shape.key_dim, value += shape.value_dim) {
    step.kernels().store_kv(shape, key, value, place.index % page_tokens,
                            pool.head_data(page, op.slot.layer, h));
  }
}

void run(const StepContext& step, const Gate& op, int64_t row) {
  const float* b = op.b == no_buffer ? nullptr : step.row(op.b, row);
  step.kernels().gate(op.kind, step.row(op.a, row), b, step.tape().buffer(op.out).width,
                      step.row(op.out, row));
}

void run(const StepContext& step, const Add& op, int64_t row) {
  step.kernels().add(step.row(op.a, row), step.row(op.b, row), step.tape().buffer(op.out).width,
                     step.row(op.out, row));
}

void run(const StepContext& step, const Scale& op, int64_t row) {
  float* x = step.row(op.buffer, row);
  step.kernels().scale(x, op.factor, step.tape().buffer(op.buffer).width, x);
}

void run(const StepContext& step, const ScaleByPosition& op, int64_t row) {
  const auto position = static_cast<double>(step.plan().positions[static_cast<size_t>(row)][0]);
  const double periods = std::floor(position / double{op.length});
  const auto factor = static_cast<float>(1.0 + double{op.scale} * std::log(1.0 + periods));
  float* x = step.row(op.buffer, row);
  step.kernels().scale(x, factor, step.tape().buffer(op.buffer).width, x);
}

void run(const StepContext& step, const Clamp& op, int64_t row) {
  float* x = step.row(op.buffer, row);
  const int64_t width = step.tape().buffer(op.buffer).width;
  for (int64_t i = 0; i < width; ++i) x[i] = std::clamp(x[i], -op.limit, op.limit);
}

void run(const StepContext& step, const SoftCap& op, int64_t row) {
  float* x = step.row(op.buffer, row);
  step.kernels().soft_cap(x, op.cap, step.tape().buffer(op.buffer).width, x);
}

void run(const StepContext& step, const SelectRows& op, int64_t row) {
  const int64_t source = step.plan().output_tokens[static_cast<size_t>(row)];
  std::memcpy(step.row(op.out, row), step.row(op.in, source),
              static_cast<size_t>(step.tape().buffer(op.in).width) * sizeof(float));
}

void run(const StepContext& step, const PrepareColumn& op, int64_t row) {
  const Buffer& out = step.tape().buffer(op.out);
  const RowRole role = row < step.decode_count(out.rows) ? RowRole::decode : RowRole::prompt;
  if (op.role != RowRole::both && op.role != role) return;
  step.kernels().prepare_column(out.kind, step.row(op.in, row), out.width,
                                step.row_data(op.out, row));
}

void run(const StepContext&, const AdapterDown&, int64_t) {
  HEARTH_CHECK(!"needs scratch memory");
}
// These are regions of their own.
void run(const StepContext&, const Linear&, int64_t) {
  HEARTH_CHECK(!"a linear is not row-wise");
}
void run(const StepContext&, const LinearGroup&, int64_t) {
  HEARTH_CHECK(!"a linear is not row-wise");
}
void run(const StepContext&, const Attention&, int64_t) {
  HEARTH_CHECK(!"attention is not row-wise");
}
void run(const StepContext&, const Moe&, int64_t) {
  HEARTH_CHECK(!"a mixture of experts is not row-wise");
}

}  // namespace

void run_row_operation(const StepContext& step, const Operation& operation, int64_t row,
                       void* scratch) noexcept {
  if (const AdapterDown* down = std::get_if<AdapterDown>(&operation)) {
    run_adapter_down(step, *down, row, scratch);
    return;
  }
  std::visit([&](const auto& op) { run(step, op, row); }, operation);
}

}  // namespace hearth::engine
