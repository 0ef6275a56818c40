// Low rank adapters (LoRA) from GGUF files: checked against the model they are for and bound to the
// adapter slots of its tape. The base weights are never changed.
#pragma once

#include <vector>

#include "engine/gguf/reader.h"
#include "engine/kernels/kernels.h"
#include "engine/models/weight_loader.h"
#include "engine/tape/tape.h"

namespace hearth::engine {

// An adapter to load beside a model.
struct AdapterFile {
  const GgufFile* file = nullptr;  // must outlive the model
  float scale = 1.0F;              // times the file's alpha / rank
};

// Adds the adapter to the tape, whose slots are all there; returns its bytes. Matrices whose format
// reads f32 columns stay in the mapped file, others are decoded into `storage`. Throws
// Error{invalid_argument} for a file that is no adapter or one for another architecture,
// Error{corrupt_data} listing all tensors that fit no slot, have no partner or another shape,
// Error{unsupported} for another kind of adapter or a type that cannot be decoded.
int64_t load_adapter(const AdapterFile& adapter, const GgufMetadata& model,
                     const KernelTable& kernels, Tape& tape, VectorStorage& storage);

}  // namespace hearth::engine
