// One matrix dispatch on the CPU: the parts of a linear group cut into chunks of weight rows. A
// chunk is read from memory once for all tokens of both roles. What only an epilogue (gate,
// residual addition) reads stays in memory of the lane that fits into its cache.
#pragma once

#include "engine/backend/row_chunks.h"
#include "engine/backend/step_context.h"

namespace hearth::engine {

class LinearDispatch {
 public:
  // `operation` is a Linear or a LinearGroup.
  LinearDispatch(const StepContext& step, const Operation& operation, int32_t lanes);

  int64_t item_count() const { return item_count_; }
  // Multiply-adds of the whole dispatch, to tell when it is not worth waking anybody.
  int64_t work() const { return work_; }
  struct Item {
    int64_t index;
    int64_t share_end;  // the items up to here are likely to follow: their rows are fetched ahead
  };
  // Memory of the calling lane, aligned to 64 bytes.
  struct LaneMemory {
    void* scratch;    // KernelTable::linear_scratch_bytes
    float* products;  // product_floats
  };
  // For steps of up to `rows` rows.
  static int64_t product_floats(int64_t rows) { return 2 * rows * chunk_rows_max; }
  void run(const StepContext& step, Item item, const LaneMemory& memory) const noexcept;

 private:
  RowRange range_of(const StepContext& step, const Linear& linear, Item chunk) const;
  // Both halves of a gated group, then the gate.
  void run_gated(const StepContext& step, Item chunk, const LaneMemory& memory) const;
  void run_part(const StepContext& step, const Linear& linear, Item chunk,
                const LaneMemory& memory) const;
  // Products of chunk `chunk.index` of the rows of one part, with bias and adapters.
  void multiply(const StepContext& step, const Linear& linear, Item chunk, const Products& products,
                void* scratch) const;

  LinearGroup group_;
  RowSet rows_ = RowSet::step;
  int64_t chunk_rows_ = 0;
  int64_t item_count_ = 0;
  int64_t work_ = 0;
};

}  // namespace hearth::engine
