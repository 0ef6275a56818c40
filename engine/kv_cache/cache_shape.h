// What a model keeps per token, as groups of layers whose entries live equally long.
#pragma once

#include <cstdint>
#include <vector>

namespace hearth::engine {

// full: every token stays. window: the last `window` tokens stay.
// Recurrent state, latent and shared groups get rows here when the first model that has them
// arrives (docs/steps-and-cache.md fixes their rules).
enum class CacheGroupKind : uint8_t { full, window };

struct CacheLayerShape {
  int32_t kv_heads = 0;
  int32_t key_dim = 0;
  int32_t value_dim = 0;
};

struct CacheGroupShape {
  CacheGroupKind kind = CacheGroupKind::full;
  int64_t window = 0;                   // tokens; 0 for full
  std::vector<CacheLayerShape> layers;  // in model order
};

// Where a model layer's entries are: group, and index within the group's layers.
struct CacheSlot {
  int32_t group = 0;
  int32_t layer = 0;
};

struct CacheShape {
  std::vector<CacheGroupShape> groups;
  std::vector<CacheSlot> slots;  // per model layer
};

}  // namespace hearth::engine
