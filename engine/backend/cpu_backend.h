// Runs a tape on the CPU: a team of threads goes through the tape's regions in lockstep, with one
// barrier behind each. Regions that are too small to share are done by whichever lane reaches the
// barrier last.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/backend/aligned_memory.h"
#include "engine/backend/attention_dispatch.h"
#include "engine/backend/linear_dispatch.h"
#include "engine/backend/moe_dispatch.h"
#include "engine/backend/step_context.h"
#include "engine/backend/thread_pool.h"
#include "engine/backend/work_claims.h"
#include "engine/tape/passes.h"
#include "engine/tape/tape.h"

namespace hearth::engine {

class CpuBackend {
 public:
  struct Options {
    const KernelTable* kernels = nullptr;
    int32_t threads = 1;
    BufferSizes sizes;
    // Leaves the tape as emitted apart from what the kernels demand; tests compare both forms.
    bool fuse = true;
  };

  // Takes the tape over and applies the passes. The weights' memory must outlive the backend.
  CpuBackend(Tape tape, const Options& options);

  // As ModelRunner::run.
  bool run(const StepPlan& plan, std::span<PagePool* const> pools, std::span<float> logits,
           const std::function<bool()>& is_cancelled);

  const Tape& tape() const { return tape_; }
  const std::vector<Region>& regions() const { return regions_; }
  int64_t memory_bytes() const { return plan_.size_bytes; }

 private:
  void run_lane(int32_t lane, const std::function<bool()>& is_cancelled);
  void run_region(const Region& region, int32_t lane);
  void run_rows(const Region& region, int32_t lane);
  void run_attention(const Attention& op, int32_t lane);
  void run_moe(const Moe& op, int32_t lane);
  bool run_small(const Region& region, int32_t lane);
  void skip_small(int32_t lane);
  const Operation& operation(const Region& region) const {
    return tape_.operations()[static_cast<size_t>(region.first_operation)];
  }
  std::byte* scratch(int32_t lane) const { return scratch_.data() + lane * scratch_bytes_; }
  LinearDispatch::LaneMemory linear_memory(int32_t lane) const;

  Tape tape_;
  const KernelTable* kernels_;
  std::vector<Region> regions_;
  size_t hidden_regions_ = 0;  // those up to the hidden rows
  BufferPlan plan_;
  AlignedMemory memory_;
  int64_t scratch_bytes_ = 0;
  AlignedMemory scratch_;
  int64_t product_floats_ = 0;
  AlignedMemory products_;
  ThreadTeam team_;
  WorkClaims claims_;
  AttentionMemory attention_memory_;
  MoeMemory moe_memory_;
  int64_t value_dim_max_ = 1;
  std::unique_ptr<StepContext> step_;
  size_t region_count_ = 0;        // of the running step
  size_t next_region_ = 0;         // changed only while every lane waits at a barrier
  bool is_stopped_ = false;        // the same
  bool cancel_requested_ = false;  // lane 0 only, read at the barrier
};

}  // namespace hearth::engine
