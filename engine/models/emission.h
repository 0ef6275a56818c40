// What emitters of models share: the tape they write, the loader they bind weights with, and norms,
// projections and parts of fused matrices as every architecture has them. Problems with tensors are
// noted in the loader, so that emission always goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/kv_cache/cache_shape.h"
#include "engine/models/architecture.h"
#include "engine/models/hyper_parameters.h"
#include "engine/models/weight_loader.h"
#include "engine/tape/tape.h"

namespace hearth::engine {

// A model that is being emitted. References only: all of it outlives the emission.
struct Emission {
  const ArchitectureRow& architecture;
  const HyperParameters& parameters;
  WeightLoader& loader;
  Tape& tape;
  CacheShape& cache;

  const LayerParameters& layer(size_t index) const { return parameters.layers[index]; }
  bool is_last(size_t index) const { return index + 1 == parameters.layers.size(); }
};

// "blk.3.attn_q"
std::string layer_tensor(size_t layer, std::string_view part);

// The architecture's norm of every row. `tensor` without ".weight", here and below.
BufferId emit_norm(Emission& e, BufferId in, const std::string& tensor);

// in -> [rows], with an adapter slot of the tensor's name, a bias, and the factor of ".scale" where
// the file has one.
BufferId emit_linear(Emission& e, BufferId in, const std::string& tensor, int64_t rows,
                     Presence bias = Presence::optional);

// Rows [first, first + count) of a matrix of `total` rows.
struct RowPart {
  int64_t first = 0;
  int64_t count = 0;
  int64_t total = 0;
};

// in -> [part.count] with some rows of a matrix and of its bias. There is no adapter slot.
BufferId emit_linear_part(Emission& e, BufferId in, const std::string& tensor, RowPart part,
                          Presence bias = Presence::optional);

struct QueryKeyValue {
  BufferId query = no_buffer;
  BufferId key = no_buffer;
  BufferId value = no_buffer;
};

// attn_q, attn_k and attn_v of a layer, or their rows of attn_qkv where the file has that.
QueryKeyValue emit_query_key_value(Emission& e, size_t layer, BufferId in);

}  // namespace hearth::engine
