// One matrix dispatch on the CPU: the parts of a linear group cut into chunks of weight rows. A
// chunk is read from memory once for all tokens of both roles, and its epilogue runs while its
// outputs are in the cache.
#pragma once

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
  // `scratch`: KernelTable::linear_scratch_bytes of the calling lane.
  void run(const StepContext& step, Item item, void* scratch) const noexcept;

 private:
  // Chunk `chunk.index` of the rows of one part.
  void run_rows(const StepContext& step, const Linear& linear, Item chunk, void* scratch) const;

  LinearGroup group_;
  RowSet rows_ = RowSet::step;
  int64_t chunk_rows_ = 0;
  int64_t item_count_ = 0;
  int64_t work_ = 0;
};

}  // namespace hearth::engine
