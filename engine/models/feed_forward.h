// The feed-forward branch of a layer.
#pragma once

#include "engine/models/emission.h"

namespace hearth::engine {

// Experts, or ffn_gate, ffn_up and ffn_down as the architecture has them: in -> [embedding_length].
BufferId emit_feed_forward(Emission& e, size_t layer, BufferId in);

}  // namespace hearth::engine
