// What adapters add to the linears of a step: per token a product with A down to the adapter's
// rank, and for each chunk of a matrix's rows the product of that with B. Every row is computed
// from its own values alone, so rows of one step may use different adapters.
#pragma once

#include "engine/backend/row_chunks.h"
#include "engine/backend/step_context.h"

namespace hearth::engine {

// `scratch`, here and below: KernelTable::linear_scratch_bytes of the calling lane.
void run_adapter_down(const StepContext& step, const AdapterDown& op, int64_t row,
                      void* scratch) noexcept;

// Adds B times the row's low rank values to the linear's products `range`, for every row whose span
// has an adapter that fills the linear's slot.
void add_adapters(const StepContext& step, const Linear& linear, RowRange range,
                  const Products& products, void* scratch) noexcept;

}  // namespace hearth::engine
