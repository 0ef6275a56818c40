#include "engine/tape/tape.h"

#include <catch2/catch.hpp>

#include "engine/tensor/dtype.h"

namespace hearth::engine {

TEST_CASE("emitters give buffers of the right width and row set") {
  Tape tape;
  const WeightId table = tape.add_weight({DType::f32, Layout::rows, nullptr, 8, 100, 32});
  const WeightId matrix = tape.add_weight({DType::f32, Layout::rows, nullptr, 8, 24, 32});
  const BufferId x = tape.get_row(table, 1.0F);
  CHECK(tape.buffer(x).width == 8);
  CHECK(tape.buffer(x).rows == RowSet::step);
  const BufferId wide = tape.linear(x, matrix, no_weight, no_adapter_slot);
  CHECK(tape.buffer(wide).width == 24);
  const BufferId wanted = tape.select_rows(wide);
  CHECK(tape.buffer(wanted).width == 24);
  CHECK(tape.buffer(wanted).rows == RowSet::output);
  CHECK(tape.buffer(tape.norm(wanted, no_weight, 1e-5F)).rows == RowSet::output);
  CHECK(tape.operations().size() == 4);
}

TEST_CASE("equal ropes are kept once") {
  Tape tape;
  RopeParameters parameters;
  parameters.dimension_count = 8;
  const int32_t first = tape.add_rope(make_rope_table(parameters));
  CHECK(tape.add_rope(make_rope_table(parameters)) == first);
  parameters.freq_base = 1e6;
  CHECK(tape.add_rope(make_rope_table(parameters)) != first);
  CHECK(tape.ropes().size() == 2);
}

}  // namespace hearth::engine
