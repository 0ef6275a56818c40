// Encoders of the BERT kind: every token sees the whole input, layer norms stand behind each
// branch, positions come from a table (bert) or from rope (nomic-bert).
#pragma once

#include "engine/models/emission.h"

namespace hearth::engine {

// Emits the whole model onto the tape and fills the cache's shape.
void emit_bert_encoder(Emission& e);

}  // namespace hearth::engine
