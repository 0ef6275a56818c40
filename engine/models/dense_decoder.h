// Models of one attention and one feed-forward branch per layer around a residual stream: llama and
// everything that differs from it in columns of its row.
#pragma once

#include "engine/models/emission.h"

namespace hearth::engine {

// Emits the whole model onto the tape and fills the cache's shape.
void emit_dense_decoder(Emission& e);

}  // namespace hearth::engine
