// Decoders of attention and a gated feed-forward block per layer: llama and everything that differs
// from it in flags.
#pragma once

#include "engine/kv_cache/cache_shape.h"
#include "engine/models/architecture.h"
#include "engine/models/hyper_parameters.h"
#include "engine/models/weight_loader.h"
#include "engine/tape/tape.h"

namespace hearth::engine {

// Emits the whole model onto the tape and fills `cache`. Problems with tensors are noted in the
// loader.
void emit_dense_decoder(const ArchitectureRow& architecture, const HyperParameters& parameters,
                        WeightLoader& loader, Tape& tape, CacheShape& cache);

}  // namespace hearth::engine
