// Passes over a tape, between emission and the first step. Order and meaning: docs/tape.md.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/tape/tape.h"

namespace hearth::engine {

// Inserts an adapter_down for every slot that a loaded adapter fills, and makes the slot's linear
// add its B product. To be run before the others; does nothing to a tape without adapters.
void insert_adapters(Tape& tape);

// Marks the weights that are too fine for the table's own prompts: those of more than six bits,
// unless most of the model is coarser.
void choose_precision(Tape& tape, const KernelTable& kernels);

// What multiplies a weight: KernelTable::fine's row where the weight is marked. Null when the
// table lacks the format.
const FormatKernels* format_of(const KernelTable& kernels, const Weight& weight);

// Inserts a prepare_column for every value that a linear reads in another form than f32, once per
// value and form, and makes the linears read it. Every linear's format must be in the table.
void prepare_columns(Tape& tape, const KernelTable& kernels);

// Groups linears of the same input, and folds gates and residual additions into the linear before
// them. Never changes a bit of the results.
void fuse(Tape& tape);

// What runs between two barriers: row-wise operations on the same rows, or one matrix dispatch, one
// attention, or one mixture of experts.
enum class RegionKind : uint8_t { rows, linear, attention, moe };

struct Region {
  RegionKind kind = RegionKind::rows;
  RowSet rows = RowSet::step;
  int32_t first_operation = 0;
  int32_t operation_count = 0;
};

std::vector<Region> split_regions(const Tape& tape);

// How many regions it takes from the first one until `buffer` has its last value.
size_t regions_before(const Tape& tape, const std::vector<Region>& regions, BufferId buffer);

struct BufferSizes {
  int64_t step_rows = 0;
  int64_t output_rows = 0;
};

// Where a buffer's rows lie in one block of memory. Buffers that are never needed in the same
// region may overlap.
struct BufferPlace {
  int64_t offset_bytes = 0;  // multiple of 64
  int64_t stride_bytes = 0;  // between rows; multiple of 64
};

struct BufferPlan {
  std::vector<BufferPlace> places;  // per buffer; the logits have no memory here
  int64_t size_bytes = 0;
};

BufferPlan plan_buffers(const Tape& tape, const std::vector<Region>& regions,
                        const KernelTable& kernels, const BufferSizes& sizes);

}  // namespace hearth::engine
