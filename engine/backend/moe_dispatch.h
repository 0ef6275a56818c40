// One mixture of experts on the CPU. Every row of the step has `used` slots, one per expert it
// chose; slots are put in the order of the experts, so that an expert reads its weights once for
// all its rows. Phases, with a barrier behind each: choose (per row), arrange (one lane), gather
// (per slot), up (per expert and chunk of rows), prepare_hidden (per slot), down (per expert and
// chunk), sum (per row). A slot's values depend on its own row only.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/backend/aligned_memory.h"
#include "engine/backend/row_chunks.h"
#include "engine/backend/step_context.h"
#include "engine/tape/passes.h"

namespace hearth::engine {

// What the phases hand on, large enough for every Moe of a tape.
class MoeMemory {
 public:
  MoeMemory() = default;
  MoeMemory(const Tape& tape, const KernelTable& kernels, const BufferSizes& sizes);

 private:
  friend class MoeDispatch;

  struct Choice {
    int32_t expert = 0;
    float share = 0;
    int64_t slot = 0;
  };
  // An expert that some row chose, and its slots. Those of rows in the decode role come first.
  struct ActiveExpert {
    int32_t expert = 0;
    int64_t first_slot = 0;
    int64_t slot_count = 0;
    int64_t decode_count = 0;
  };

  std::vector<Choice> choices_;       // [rows, used], a row's in ascending order of the experts
  std::vector<int64_t> slot_rows_;    // [slots]
  std::vector<ActiveExpert> active_;  // in ascending order
  AlignedMemory columns_;  // [slots] gathered inputs, later hidden values as `down` reads them
  AlignedMemory values_;   // [slots] gate and up values, later the experts' outputs
};

// The columns of slots: one kind per role, all at the same distance.
class SlotColumns {
 public:
  SlotColumns(const KernelTable& kernels, const FormatKernels& format, int64_t width);

  ColumnKind kind(bool is_prompt) const { return is_prompt ? prompt_kind_ : decode_kind_; }
  int64_t stride_bytes() const { return stride_bytes_; }
  // Products of prompt rows are then those of the decode role.
  bool is_decode_only() const { return is_decode_only_; }
  void use_decode_only() { is_decode_only_ = true; }

 private:
  ColumnKind decode_kind_;
  ColumnKind prompt_kind_;
  int64_t stride_bytes_;
  bool is_decode_only_ = false;
};

class MoeDispatch {
 public:
  MoeDispatch(const StepContext& step, const Moe& op, MoeMemory& memory, int32_t lanes);

  int64_t row_count() const { return row_count_; }
  int64_t slot_count() const { return row_count_ * op_->used; }
  // Items of run_up and run_down; known behind arrange().
  int64_t up_count() const;
  int64_t down_count() const;

  void choose(int64_t row) const noexcept;
  void arrange() const noexcept;
  void gather(int64_t slot) const noexcept;
  // `share_end` as WorkClaims gives it, `scratch`: KernelTable::linear_scratch_bytes.
  void run_up(int64_t item, int64_t share_end, void* scratch) const noexcept;
  void prepare_hidden(int64_t slot) const noexcept;
  void run_down(int64_t item, int64_t share_end, void* scratch) const noexcept;
  void sum(int64_t row) const noexcept;

 private:
  using ActiveExpert = MoeMemory::ActiveExpert;
  using Choice = MoeMemory::Choice;

  // A chunk of one expert's rows.
  struct Piece {
    const ActiveExpert* expert;
    RowRange rows;
    int64_t fetch_end;
  };
  Piece piece_of(int64_t item, int64_t share_end, int64_t rows, int64_t chunk_rows) const;
  void multiply(const ExpertMatrix& matrix, int64_t rows_per_expert, const Piece& piece,
                const SlotColumns& slots, const Products& products, void* scratch) const;
  // Of the prompt role that an expert has on average.
  int64_t prompt_columns() const;
  Choice* choices_of(int64_t row) const { return memory_->choices_.data() + row * op_->used; }
  bool reads_prompt_column(int64_t slot) const;
  float* gate_values(int64_t slot) const;
  float* up_values(int64_t slot) const;
  float* output_values(int64_t slot) const;

  const StepContext* step_;
  const Moe* op_;
  MoeMemory* memory_;
  RowSet rows_;
  int64_t row_count_;
  int64_t width_;         // of a row
  int64_t hidden_width_;  // of an expert's hidden values
  SlotColumns inputs_;    // gathered, as `gate` and `up` read them
  SlotColumns hidden_;    // hidden values as `down` reads them
  int64_t up_chunk_rows_;
  int64_t down_chunk_rows_;
};

}  // namespace hearth::engine
