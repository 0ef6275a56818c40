// The numbers of a model, read from a file's metadata and checked once: whoever uses them can
// divide by them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/gguf/metadata.h"
#include "engine/models/architecture.h"
#include "engine/pooling.h"
#include "engine/tape/rope.h"

namespace hearth::engine {

struct LayerParameters {
  int32_t heads = 0;
  int32_t kv_heads = 0;
  int64_t feed_forward_length = 0;
  int64_t window = 0;  // 0: sees everything
  bool has_rope = true;
};

struct ExpertParameters {
  int32_t count = 0;  // 0: a dense model
  int32_t used = 0;
  int64_t feed_forward_length = 0;
  int64_t shared_feed_forward_length = 0;  // of the expert that every token has, where there is one
};

struct HyperParameters {
  int64_t embedding_length = 0;
  int64_t context_length = 0;
  int64_t context_used = 0;  // the whole length, until somebody wants less
  int32_t key_length = 0;
  int32_t value_length = 0;
  float norm_epsilon = 0;
  float embedding_scale = 1.0F;
  float residual_scale = 1.0F;  // of every branch
  float logit_factor = 1.0F;
  float attention_scale = 0;
  float attention_soft_cap = 0;    // 0: none
  std::optional<Pooling> pooling;  // of an embedding model
  float final_soft_cap = 0;
  float qkv_clamp = 0;   // 0: none
  float alibi_bias = 0;  // how far the first head's slope goes, in bits; 0: no slopes
  // Queries grow with their position: docs/tape.md, scale_by_position. 0: they do not.
  float temperature_scale = 0;
  float temperature_length = 0;
  bool is_parallel = true;     // use_parallel_residual
  RopeParameters rope;         // of layers without a window
  RopeParameters window_rope;  // of layers with one
  ExpertParameters experts;
  std::vector<LayerParameters> layers;
};

// Throws Error{corrupt_data} for a value that is missing or cannot be, Error{unsupported} for a
// feature this architecture does not have here; both name the key.
HyperParameters read_hyper_parameters(const GgufMetadata& metadata,
                                      const ArchitectureRow& architecture);

}  // namespace hearth::engine
