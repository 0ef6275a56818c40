// Encoders of the BERT kind: every token sees the whole input, layer norms stand behind each
// branch, positions come from a table (bert) or from rope (nomic-bert).
#pragma once

#include "engine/kv_cache/cache_shape.h"
#include "engine/models/architecture.h"
#include "engine/models/hyper_parameters.h"
#include "engine/models/weight_loader.h"
#include "engine/tape/tape.h"

namespace hearth::engine {

// Emits the whole model onto the tape and fills `cache`. Problems with tensors are noted in the
// loader.
void emit_bert_encoder(const ArchitectureRow& architecture, const HyperParameters& parameters,
                       WeightLoader& loader, Tape& tape, CacheShape& cache);

}  // namespace hearth::engine
