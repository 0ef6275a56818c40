#include "engine/backend/cpu_backend.h"

#include <algorithm>

#include "engine/backend/row_operations.h"

namespace hearth::engine {
namespace {

constexpr size_t memory_alignment = 64;
// Multiply-adds below which a matrix is done by one lane: waking the others would cost more.
constexpr int64_t small_work = 32 << 10;
// Rows that a lane claims at once.
constexpr int64_t rows_per_claim = 4;

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

CpuBackend::CpuBackend(Tape tape, const Options& options)
    : tape_(std::move(tape)),
      kernels_(options.kernels),
      team_(options.threads),
      claims_(options.threads),
      attention_memory_(options.threads) {
  insert_adapters(tape_);
  choose_precision(tape_, *kernels_);
  prepare_columns(tape_, *kernels_);
  if (options.fuse) fuse(tape_);
  regions_ = split_regions(tape_);
  hidden_regions_ = regions_before(tape_, regions_, tape_.hidden());
  plan_ = plan_buffers(tape_, regions_, *kernels_, options.sizes);
  memory_ = AlignedMemory(plan_.size_bytes, "the buffers of a step");
  scratch_bytes_ =
      round_up(std::max(kernels_->linear_scratch_bytes, kernels_->attention_scratch_bytes),
               static_cast<int64_t>(memory_alignment));
  scratch_ = AlignedMemory(scratch_bytes_ * options.threads, "the kernels' scratch memory");
  product_floats_ =
      LinearDispatch::product_floats(std::max(options.sizes.step_rows, options.sizes.output_rows));
  products_ = AlignedMemory(product_floats_ * static_cast<int64_t>(sizeof(float)) * options.threads,
                            "products that wait for their epilogue");
  moe_memory_ = MoeMemory(tape_, *kernels_, options.sizes);
  step_ = std::make_unique<StepContext>(tape_, *kernels_, plan_, memory_.data(), options.sizes);
  for (const Operation& operation : tape_.operations()) {
    if (const Attention* attention = std::get_if<Attention>(&operation)) {
      AttentionDispatch::want_chunks(*step_, *attention);
      value_dim_max_ =
          std::max(value_dim_max_, tape_.buffer(attention->out).width / attention->heads);
    }
  }
  if (step_->knows_prompt_attention())
    attention_memory_.reserve_prompts(kernels_->prompt_query_rows, value_dim_max_);
}

LinearDispatch::LaneMemory CpuBackend::linear_memory(int32_t lane) const {
  auto* products = static_cast<float*>(static_cast<void*>(products_.data()));
  return {scratch(lane), products + lane * product_floats_};
}

bool CpuBackend::run(const StepPlan& plan, std::span<PagePool* const> pools,
                     std::span<float> outputs, const std::function<bool()>& is_cancelled) {
  step_->begin(plan, pools, outputs);
  attention_memory_.reserve(step_->longest_sequence(), value_dim_max_);
  region_count_ = plan.output == StepOutput::hidden ? hidden_regions_ : regions_.size();
  next_region_ = 0;
  is_stopped_ = false;
  cancel_requested_ = false;
  skip_small(0);
  auto body = [&](int32_t lane) { run_lane(lane, is_cancelled); };
  team_.run(body);
  return !is_stopped_;
}

void CpuBackend::run_lane(int32_t lane, const std::function<bool()>& is_cancelled) {
  while (next_region_ < region_count_ && !is_stopped_) {
    run_region(regions_[next_region_], lane);
    if (lane == 0 && is_cancelled && is_cancelled()) cancel_requested_ = true;
    team_.barrier([&] {
      claims_.reset();
      ++next_region_;
      is_stopped_ = cancel_requested_;
      if (!is_stopped_) skip_small(lane);
    });
  }
}

// Runs what is not worth sharing, up to the next region that is.
void CpuBackend::skip_small(int32_t lane) {
  while (next_region_ < region_count_ && run_small(regions_[next_region_], lane)) ++next_region_;
}

bool CpuBackend::run_small(const Region& region, int32_t lane) {
  const int64_t rows = step_->row_count(region.rows);
  if (rows == 0) return true;
  if (region.kind == RegionKind::rows) {
    if (rows > 1) return false;
    for (int32_t i = 0; i < region.operation_count; ++i) {
      run_row_operation(*step_, tape_.operations()[static_cast<size_t>(region.first_operation + i)],
                        0, scratch(lane));
    }
    return true;
  }
  if (region.kind != RegionKind::linear) return false;
  const LinearDispatch dispatch(*step_, operation(region), 1);
  if (dispatch.work() > small_work) return false;
  for (int64_t item = 0; item < dispatch.item_count(); ++item)
    dispatch.run(*step_, {item, dispatch.item_count()}, linear_memory(lane));
  return true;
}

void CpuBackend::run_region(const Region& region, int32_t lane) {
  if (region.kind == RegionKind::rows) {
    run_rows(region, lane);
  } else if (region.kind == RegionKind::attention) {
    run_attention(std::get<Attention>(operation(region)), lane);
  } else if (region.kind == RegionKind::moe) {
    run_moe(std::get<Moe>(operation(region)), lane);
  } else {
    const LinearDispatch dispatch(*step_, operation(region), team_.size());
    claims_.for_each(lane, dispatch.item_count(), [&](int64_t item, int64_t share_end) {
      dispatch.run(*step_, {item, share_end}, linear_memory(lane));
    });
  }
}

void CpuBackend::run_rows(const Region& region, int32_t lane) {
  const int64_t rows = step_->row_count(region.rows);
  const int64_t per_claim = rows >= rows_per_claim * 2 * team_.size() ? rows_per_claim : 1;
  claims_.for_each(lane, (rows + per_claim - 1) / per_claim, [&](int64_t item, int64_t) {
    for (int64_t row = item * per_claim; row < std::min(rows, (item + 1) * per_claim); ++row) {
      for (int32_t i = 0; i < region.operation_count; ++i) {
        run_row_operation(*step_,
                          tape_.operations()[static_cast<size_t>(region.first_operation + i)], row,
                          scratch(lane));
      }
    }
  });
}

void CpuBackend::run_attention(const Attention& op, int32_t lane) {
  const AttentionDispatch dispatch(*step_, op, attention_memory_);
  claims_.for_each(lane, dispatch.unit_count(),
                   [&](int64_t unit, int64_t) { dispatch.run(unit, lane, scratch(lane)); });
  if (!dispatch.is_split()) return;
  team_.barrier([&] { claims_.reset(); });
  claims_.for_each(lane, dispatch.merge_count(),
                   [&](int64_t item, int64_t) { dispatch.merge(item); });
}

void CpuBackend::run_moe(const Moe& op, int32_t lane) {
  const MoeDispatch dispatch(*step_, op, moe_memory_, team_.size());
  const auto meet = [&] { team_.barrier([&] { claims_.reset(); }); };
  claims_.for_each(lane, dispatch.row_count(), [&](int64_t row, int64_t) { dispatch.choose(row); });
  team_.barrier([&] {
    claims_.reset();
    dispatch.arrange();
  });
  claims_.for_each(lane, dispatch.slot_count(),
                   [&](int64_t slot, int64_t) { dispatch.gather(slot); });
  meet();
  claims_.for_each(lane, dispatch.up_count(), [&](int64_t item, int64_t share_end) {
    dispatch.run_up(item, share_end, scratch(lane));
  });
  meet();
  claims_.for_each(lane, dispatch.slot_count(),
                   [&](int64_t slot, int64_t) { dispatch.prepare_hidden(slot); });
  meet();
  claims_.for_each(lane, dispatch.down_count(), [&](int64_t item, int64_t share_end) {
    dispatch.run_down(item, share_end, scratch(lane));
  });
  meet();
  claims_.for_each(lane, dispatch.row_count(), [&](int64_t row, int64_t) { dispatch.sum(row); });
}

}  // namespace hearth::engine
