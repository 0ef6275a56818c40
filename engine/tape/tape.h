// A model as a flat list of operations, emitted once at load in straight-line code and run for
// every step. docs/tape.md is the contract. Emitters return the buffer they write; they check
// widths, because a mismatch is an architecture's mistake (shapes of the file were checked when
// weights were bound).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/tape/operations.h"
#include "engine/tape/rope.h"

namespace hearth::engine {

// Values [rows, width] in memory it does not own.
struct Weight {
  DType type;
  Layout layout = Layout::rows;
  const void* data = nullptr;
  int64_t width = 0;      // values per row: what a linear reads
  int64_t row_count = 0;  // what a linear writes; 1 for vectors
  int64_t row_bytes = 0;
  bool is_fine = false;  // prompts by KernelTable::fine
};

struct Buffer {
  int64_t width = 0;  // values per row
  RowSet rows = RowSet::step;
  ColumnKind kind = ColumnKind::f32;
};

// A place where an adapter may add to a linear, named without the trailing ".weight".
struct AdapterSlot {
  std::string name;
  int64_t width = 0;
  int64_t row_count = 0;
};

// What a loaded adapter adds to one slot: scale * B (A in), both matrices of a format whose columns
// are f32.
struct AdapterPart {
  WeightId a = no_weight;  // [width, rank]; no_weight: the adapter leaves the slot alone
  WeightId b = no_weight;  // [rank, row_count]
  float scale = 1.0F;
};

class Tape {
 public:
  WeightId add_weight(const Weight& weight);
  int32_t add_rope(RopeTable rope);
  int32_t add_adapter_slot(AdapterSlot slot);
  // One part per slot. Spans name adapters by the number that this returns.
  int32_t add_adapter(std::vector<AdapterPart> parts);

  BufferId get_row(WeightId table, float scale, RowSource source = RowSource::token);
  BufferId rope_angles(int32_t rope);
  BufferId norm(BufferId in, WeightId weight, float epsilon);
  BufferId layer_norm(BufferId in, WeightId weight, WeightId bias, float epsilon);
  void head_norm(BufferId buffer, int32_t heads, WeightId weight, float epsilon);
  // Layer norm; `weights` has a row for each head.
  void head_layer_norm(BufferId buffer, int32_t heads, WeightId weights, float epsilon);
  // bias may be no_weight, adapter_slot no_adapter_slot.
  BufferId linear(BufferId in, WeightId weight, WeightId bias, int32_t adapter_slot);
  void rope(BufferId buffer, BufferId angles, int32_t heads, RopeStyle style);
  void store_kv(BufferId key, BufferId value, CacheSlot slot);
  // `attention.queries` and the rest filled in, `out` is made here: [tokens, heads * value_dim].
  BufferId attention(Attention attention, int64_t value_dim);
  BufferId gate(GateKind kind, BufferId a, BufferId b);
  BufferId activate(GateKind kind, BufferId a);
  // `moe` filled in but for `out`, which is made here: as wide as `in`.
  BufferId moe(Moe moe);
  // x += y
  void add_to(BufferId x, BufferId y);
  void scale(BufferId buffer, float factor);
  void scale_by_position(BufferId buffer, float scale, float length);
  void clamp(BufferId buffer, float limit);
  void soft_cap(BufferId buffer, float cap);
  BufferId select_rows(BufferId in);
  // The buffer that the caller of a step reads: output rows.
  void set_logits(BufferId buffer);
  // What StepOutput::hidden gives: output rows. Operations behind it are left out of such steps.
  void set_hidden(BufferId buffer);

  const std::vector<Operation>& operations() const { return operations_; }
  const std::vector<Weight>& weights() const { return weights_; }
  const std::vector<Buffer>& buffers() const { return buffers_; }
  const std::vector<RopeTable>& ropes() const { return ropes_; }
  const std::vector<AdapterSlot>& adapter_slots() const { return adapter_slots_; }
  const std::vector<std::vector<AdapterPart>>& adapters() const { return adapters_; }
  // Null where the adapter (-1: none) leaves the slot alone.
  const AdapterPart* adapter_part(int32_t adapter, int32_t slot) const;
  // no_buffer for a model without a head.
  BufferId logits() const { return logits_; }
  BufferId hidden() const { return hidden_; }
  int64_t logits_width() const { return logits_ == no_buffer ? 0 : buffer(logits_).width; }
  const Weight& weight(WeightId id) const { return weights_[static_cast<size_t>(id)]; }
  const Buffer& buffer(BufferId id) const { return buffers_[static_cast<size_t>(id)]; }

  // For moving weights at load.
  void replace_weight(WeightId id, const Weight& weight) {
    weights_[static_cast<size_t>(id)] = weight;
  }
  // For passes.
  void set_fine(WeightId id, bool is_fine) { weights_[static_cast<size_t>(id)].is_fine = is_fine; }
  BufferId add_buffer(const Buffer& buffer);
  void replace_operations(std::vector<Operation> operations) {
    operations_ = std::move(operations);
  }

 private:
  std::vector<Operation> operations_;
  std::vector<Weight> weights_;
  std::vector<Buffer> buffers_;
  std::vector<RopeTable> ropes_;
  std::vector<AdapterSlot> adapter_slots_;
  std::vector<std::vector<AdapterPart>> adapters_;  // [adapters][slots]
  BufferId logits_ = no_buffer;
  BufferId hidden_ = no_buffer;
};

}  // namespace hearth::engine
