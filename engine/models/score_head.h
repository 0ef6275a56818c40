// The head of a reranker: a score per label instead of logits.
#pragma once

#include "engine/models/weight_loader.h"
#include "engine/tape/tape.h"

namespace hearth::engine {

// cls.weight with tanh behind it where the file has it, then cls.output.weight, each with an
// optional bias. Sets the tape's logits.
void emit_score_head(BufferId hidden, WeightLoader& loader, Tape& tape);

}  // namespace hearth::engine
