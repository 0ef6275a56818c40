#include "engine/tape/passes.h"

#include <catch2/catch.hpp>
#include <type_traits>

#include "engine/tensor/dtype.h"

namespace hearth::engine {
namespace {

WeightId matrix(Tape& tape, DType type, int64_t width, int64_t rows) {
  return tape.add_weight({type, Layout::rows, nullptr, width, rows, row_bytes(type, width)});
}

// A feed-forward block: norm, gate and up, gate, down, residual addition.
struct Block {
  Tape tape;
  BufferId x = no_buffer;
  BufferId normed = no_buffer;
  BufferId hidden = no_buffer;
  BufferId out = no_buffer;

  explicit Block(DType type) {
    x = tape.get_row(matrix(tape, DType::f32, 256, 10), 1.0F);
    normed = tape.norm(x, no_weight, 1e-5F);
    const BufferId gate =
        tape.linear(normed, matrix(tape, type, 256, 512), no_weight, no_adapter_slot);
    const BufferId up =
        tape.linear(normed, matrix(tape, type, 256, 512), no_weight, no_adapter_slot);
    hidden = tape.gate(GateKind::silu, gate, up);
    out = tape.linear(hidden, matrix(tape, type, 512, 256), no_weight, no_adapter_slot);
    tape.add_to(x, out);
    const BufferId wanted = tape.select_rows(x);
    tape.set_logits(tape.linear(wanted, matrix(tape, type, 256, 10), no_weight, no_adapter_slot));
  }
};

template <class Kind>
int count(const Tape& tape) {
  int found = 0;
  for (const Operation& operation : tape.operations())
    found += std::holds_alternative<Kind>(operation) ? 1 : 0;
  return found;
}

const KernelTable& kernels() {
  return *find_kernels("scalar");
}

}  // namespace

TEST_CASE("a value is quantised once however many matrices read it, and not at all for floats") {
  Block block(DType::q8_0);
  prepare_columns(block.tape, kernels());
  CHECK(count<PrepareColumn>(block.tape) == 3);
  for (const Operation& operation : block.tape.operations()) {
    if (const Linear* linear = std::get_if<Linear>(&operation)) {
      CHECK(block.tape.buffer(linear->in).kind == ColumnKind::q8);
    }
  }
  Block floats(DType::f32);
  prepare_columns(floats.tape, kernels());
  CHECK(count<PrepareColumn>(floats.tape) == 0);
}

TEST_CASE("a value that changed in place is quantised again") {
  Tape tape;
  const BufferId x = tape.get_row(matrix(tape, DType::f32, 256, 10), 1.0F);
  const WeightId weight = matrix(tape, DType::q8_0, 256, 256);
  const BufferId y = tape.linear(x, weight, no_weight, no_adapter_slot);
  tape.add_to(x, y);
  tape.linear(x, weight, no_weight, no_adapter_slot);
  prepare_columns(tape, kernels());
  CHECK(count<PrepareColumn>(tape) == 2);
}

TEST_CASE("weights of more than six bits are precise unless most of the model is coarser") {
  KernelTable table = kernels();
  table.fine = &kernels();
  for (const int64_t coarse_rows : {256, 1024}) {
    Tape tape;
    const WeightId fine = matrix(tape, DType::q6_k, 256, 512);
    const WeightId coarse = matrix(tape, DType::q4_k, 256, coarse_rows);
    choose_precision(tape, table);
    CHECK(tape.weight(fine).is_fine == (coarse_rows < 512));
    CHECK_FALSE(tape.weight(coarse).is_fine);
    CHECK(format_of(table, tape.weight(fine)) != nullptr);
    CHECK((format_of(table, tape.weight(coarse)) == find_format(table, DType::q4_k)));
  }
}

TEST_CASE("fusion groups linears of one input and folds gate and residual addition") {
  Block block(DType::f32);
  prepare_columns(block.tape, kernels());
  fuse(block.tape);
  CHECK(count<LinearGroup>(block.tape) == 3);
  CHECK(count<Linear>(block.tape) == 0);
  CHECK(count<Gate>(block.tape) == 0);
  CHECK(count<Add>(block.tape) == 0);
  const auto& gated = std::get<LinearGroup>(block.tape.operations()[2]);
  CHECK(gated.part_count == 2);
  CHECK(gated.has_gate);
  CHECK(gated.gate.out == block.hidden);
  const auto& down = std::get<LinearGroup>(block.tape.operations()[3]);
  CHECK(down.part_count == 1);
  CHECK(down.parts[0].add_to == block.x);
}

TEST_CASE("an addition to what the linear itself reads is not folded into it") {
  Tape tape;
  const BufferId x = tape.get_row(matrix(tape, DType::f32, 256, 10), 1.0F);
  tape.add_to(x, tape.linear(x, matrix(tape, DType::f32, 256, 256), no_weight, no_adapter_slot));
  fuse(tape);
  CHECK(count<Add>(tape) == 1);
}

TEST_CASE("an addition or a gate is not folded where something else reads the products") {
  for (const bool is_gate : {false, true}) {
    Tape tape;
    const BufferId x = tape.get_row(matrix(tape, DType::f32, 256, 10), 1.0F);
    const BufferId normed = tape.norm(x, no_weight, 1e-5F);
    const auto project = [&] {
      return tape.linear(normed, matrix(tape, DType::f32, 256, 256), no_weight, no_adapter_slot);
    };
    const BufferId a = project();
    const BufferId b = project();
    if (is_gate) tape.gate(GateKind::silu, a, b);
    tape.add_to(x, b);
    tape.add_to(x, b);
    fuse(tape);
    CHECK(count<Add>(tape) == 2);
    CHECK(count<Gate>(tape) == (is_gate ? 1 : 0));
  }
}

TEST_CASE(
    "regions are runs of row-wise operations on the same rows, single dispatches and single "
    "attentions") {
  Block block(DType::q8_0);
  prepare_columns(block.tape, kernels());
  fuse(block.tape);
  const std::vector<Region> regions = split_regions(block.tape);
  // get_row norm quantize | gate-up | quantize | down | select quantize | head
  REQUIRE(regions.size() == 6);
  CHECK(regions[0].operation_count == 3);
  CHECK(regions[1].kind == RegionKind::linear);
  CHECK(regions[4].rows == RowSet::output);
  CHECK(regions[4].operation_count == 2);
  CHECK(regions[5].rows == RowSet::output);
}

TEST_CASE("buffers needed at the same time never overlap, and dead ones are used again") {
  Block block(DType::q8_0);
  prepare_columns(block.tape, kernels());
  fuse(block.tape);
  const std::vector<Region> regions = split_regions(block.tape);
  const BufferSizes sizes{16, 4};
  const BufferPlan plan = plan_buffers(block.tape, regions, kernels(), sizes);
  const auto place = [&](BufferId id) { return plan.places[static_cast<size_t>(id)]; };
  const int64_t x_end = place(block.x).offset_bytes + place(block.x).stride_bytes * sizes.step_rows;
  for (BufferId id : {block.normed, block.hidden}) {
    CHECK(place(id).offset_bytes >= x_end);
    CHECK(place(id).offset_bytes % 64 == 0);
    CHECK(place(id).stride_bytes % 64 == 0);
  }
  CHECK(place(block.out).stride_bytes == 0);  // folded into the addition
  int64_t sum = 0;
  for (const BufferPlace& each : plan.places) sum += each.stride_bytes * sizes.step_rows;
  CHECK(plan.size_bytes < sum);
}

}  // namespace hearth::engine
