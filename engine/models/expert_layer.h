// The feed-forward part of a layer whose tokens choose among experts.
#pragma once

#include "engine/models/emission.h"

namespace hearth::engine {

// Router, experts and, where the file has one, the expert that every token shares. `in` is what the
// layer's norm gives; returns a buffer of the same width.
BufferId emit_experts(Emission& e, size_t layer, BufferId in);

}  // namespace hearth::engine
