// The attention branch of a decoder layer.
#pragma once

#include "engine/models/emission.h"

namespace hearth::engine {

// Angles of the step's positions, computed once for all layers; no_buffer where no layer needs
// them.
struct Ropes {
  BufferId full = no_buffer;
  BufferId window = no_buffer;
};

// Binds the rope factors that the file has.
Ropes emit_ropes(Emission& e);

// From the branch's input to what the heads saw, [step rows, heads * value_length]. Adds the layer
// to the cache.
BufferId emit_attention(Emission& e, size_t layer, BufferId in, const Ropes& ropes);

// From there to the branch's result, [embedding_length].
BufferId emit_attention_output(Emission& e, size_t layer, BufferId seen);

}  // namespace hearth::engine
