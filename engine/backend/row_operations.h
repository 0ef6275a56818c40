// The row-wise operations of a tape on the CPU: each treats one row by itself, so a lane carries a
// row through a whole run of them while it is in its cache.
#pragma once

#include "engine/backend/step_context.h"

namespace hearth::engine {

// Runs one row-wise operation on one row of its row set. `scratch`:
// KernelTable::linear_scratch_bytes of the calling lane.
void run_row_operation(const StepContext& step, const Operation& operation, int64_t row,
                       void* scratch) noexcept;

}  // namespace hearth::engine
