#include "engine/models/score_head.h"

namespace hearth::engine {

void emit_score_head(BufferId hidden, WeightLoader& loader, Tape& tape) {
  const int64_t width = tape.buffer(hidden).width;
  BufferId x = hidden;
  const WeightId dense = loader.optional_table("cls.weight", width);
  if (dense != no_weight) {
    const int64_t rows = tape.weight(dense).row_count;
    x = tape.linear(x, dense, loader.optional_vector("cls.bias", rows), no_adapter_slot);
    // cap * tanh(x / cap) with a cap of 1.
    tape.soft_cap(x, 1.0F);
  }
  const WeightId output = loader.table("cls.output.weight", tape.buffer(x).width);
  const int64_t labels = tape.weight(output).row_count;
  tape.set_logits(
      tape.linear(x, output, loader.optional_vector("cls.output.bias", labels), no_adapter_slot));
}

}  // namespace hearth::engine
