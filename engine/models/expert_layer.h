// The feed-forward part of a layer whose tokens choose among experts.
#pragma once

#include "engine/models/architecture.h"
#include "engine/models/hyper_parameters.h"
#include "engine/models/weight_loader.h"
#include "engine/tape/tape.h"

namespace hearth::engine {

// Router, experts and, where the file has one, the expert that every token shares. `in` is what the
// layer's norm gives; returns a buffer of the same width.
BufferId emit_experts(const ArchitectureRow& architecture, const ExpertParameters& parameters,
                      size_t layer, BufferId in, WeightLoader& loader, Tape& tape);

}  // namespace hearth::engine
