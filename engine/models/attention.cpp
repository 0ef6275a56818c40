#include "engine/models/attention.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace hearth::engine {
namespace {

// Models made for long texts have two sets of factors: one for the context they were first trained
// with, and one for more than that.
std::string rope_factors_tensor(const Emission& e) {
  if (!e.loader.has("rope_factors_long.weight")) return "rope_freqs.weight";
  const auto used = static_cast<double>(e.parameters.context_used);
  return used > e.parameters.rope.original_context ? "rope_factors_long.weight"
                                                   : "rope_factors_short.weight";
}

std::span<const float> bind_rope_factors(Emission& e) {
  const int64_t pairs = e.parameters.rope.dimension_count / 2;
  const std::string name = rope_factors_tensor(e);
  for (const char* unused : {"rope_factors_long.weight", "rope_factors_short.weight"}) {
    if (name != unused) static_cast<void>(e.loader.optional_vector(unused, pairs));
  }
  const std::span<const float> factors = e.loader.values(e.loader.optional_vector(name, pairs));
  if (!std::all_of(factors.begin(), factors.end(), [](float f) { return f > 0; })) {
    throw Error(ErrorCode::corrupt_data, name + ": values must be above zero");
  }
  return factors;
}

// Norms of every head, in place.
void emit_head_norm(Emission& e, BufferId buffer, int32_t heads, const std::string& tensor) {
  const WeightId weight = e.loader.vector(tensor, e.parameters.key_length);
  e.tape.head_norm(buffer, heads, weight, e.parameters.norm_epsilon);
}

void emit_optional_head_layer_norm(Emission& e, BufferId buffer, int32_t heads,
                                   const std::string& tensor) {
  if (!e.loader.has(tensor)) return;
  const WeightId weights = e.loader.vectors(tensor, e.parameters.key_length, heads);
  e.tape.head_layer_norm(buffer, heads, weights, e.parameters.norm_epsilon);
}

void emit_head_norms(Emission& e, size_t layer, const QueryKeyValue& projected) {
  const LayerParameters& shape = e.layer(layer);
  const auto emit = e.architecture.qk_norm == QkNorm::optional_layer ? emit_optional_head_layer_norm
                                                                     : emit_head_norm;
  emit(e, projected.query, shape.heads, layer_tensor(layer, "attn_q_norm.weight"));
  emit(e, projected.key, shape.kv_heads, layer_tensor(layer, "attn_k_norm.weight"));
}

void emit_rope(Emission& e, size_t layer, const QueryKeyValue& projected, const Ropes& ropes) {
  const LayerParameters& shape = e.layer(layer);
  if (!shape.has_rope) return;
  const BufferId angles = shape.window > 0 ? ropes.window : ropes.full;
  e.tape.rope(projected.query, angles, shape.heads, e.architecture.rope_style);
  e.tape.rope(projected.key, angles, shape.kv_heads, e.architecture.rope_style);
}

// Queries, keys and values as attention wants them.
QueryKeyValue emit_inputs(Emission& e, size_t layer, BufferId in, const Ropes& ropes) {
  QueryKeyValue projected = emit_query_key_value(e, layer, in);
  if (e.parameters.qkv_clamp > 0) {
    for (BufferId buffer : {projected.query, projected.key, projected.value})
      e.tape.clamp(buffer, e.parameters.qkv_clamp);
  }
  const QkNorm kind = e.architecture.qk_norm;
  if (kind == QkNorm::row) {
    projected.query = emit_norm(e, projected.query, layer_tensor(layer, "attn_q_norm"));
    projected.key = emit_norm(e, projected.key, layer_tensor(layer, "attn_k_norm"));
  }
  if (kind == QkNorm::heads || kind == QkNorm::optional_layer) emit_head_norms(e, layer, projected);
  emit_rope(e, layer, projected, ropes);
  if (kind == QkNorm::heads_after_rope) emit_head_norms(e, layer, projected);
  if (e.parameters.temperature_scale > 0) {
    e.tape.scale_by_position(projected.query, e.parameters.temperature_scale,
                             e.parameters.temperature_length);
  }
  return projected;
}

// Layers that keep their entries equally long share a cache group.
CacheSlot add_cache_slot(Emission& e, const LayerParameters& layer) {
  // A bidirectional model keeps nothing from step to step that could slide out of a window.
  const int64_t window = e.architecture.is_bidirectional ? 0 : layer.window;
  std::vector<CacheGroupShape>& groups = e.cache.groups;
  size_t group = 0;
  while (group < groups.size() && groups[group].window != window) ++group;
  if (group == groups.size()) {
    const CacheGroupKind kind = window > 0 ? CacheGroupKind::window : CacheGroupKind::full;
    groups.push_back({kind, window, {}});
  }
  std::vector<CacheLayerShape>& layers = groups[group].layers;
  layers.push_back({layer.kv_heads, e.parameters.key_length, e.parameters.value_length});
  e.cache.slots.push_back({static_cast<int32_t>(group), static_cast<int32_t>(layers.size()) - 1});
  return e.cache.slots.back();
}

// ALiBi: heads forget distance at powers of two; those beyond the largest power of two of their
// number fill the gaps.
std::vector<float> alibi_slopes(int32_t heads, double bias) {
  int32_t power = 1;
  while (power * 2 <= heads) power *= 2;
  std::vector<float> slopes;
  for (int32_t head = 0; head < heads; ++head) {
    const int32_t halves = head < power ? 2 * (head + 1) : 2 * (head - power) + 1;
    slopes.push_back(static_cast<float>(std::exp2(-bias / power * halves / 2.0)));
  }
  return slopes;
}

}  // namespace

Ropes emit_ropes(Emission& e) {
  bool has_full = false;
  bool has_window = false;
  for (const LayerParameters& layer : e.parameters.layers) {
    has_window = has_window || (layer.has_rope && layer.window > 0);
    has_full = has_full || (layer.has_rope && layer.window == 0);
  }
  Ropes ropes;
  if (!has_full && !has_window) return ropes;
  RopeParameters full = e.parameters.rope;
  full.freq_factors = bind_rope_factors(e);
  RopeParameters window = e.parameters.window_rope;
  if (e.architecture.scales_window_rope) window.freq_factors = full.freq_factors;
  if (has_full) ropes.full = e.tape.rope_angles(e.tape.add_rope(make_rope_table(full)));
  if (has_window) ropes.window = e.tape.rope_angles(e.tape.add_rope(make_rope_table(window)));
  return ropes;
}

BufferId emit_attention(Emission& e, size_t layer, BufferId in, const Ropes& ropes) {
  const LayerParameters& shape = e.layer(layer);
  const QueryKeyValue inputs = emit_inputs(e, layer, in, ropes);
  const CacheSlot slot = add_cache_slot(e, shape);
  e.tape.store_kv(inputs.key, inputs.value, slot);
  Attention attention;
  attention.queries = inputs.query;
  attention.slot = slot;
  attention.heads = shape.heads;
  attention.kv_heads = shape.kv_heads;
  attention.window = shape.window;
  attention.is_bidirectional = e.architecture.is_bidirectional;
  attention.scale = e.parameters.attention_scale;
  attention.soft_cap = e.parameters.attention_soft_cap;
  if (e.architecture.has_sinks)
    attention.sinks = e.loader.vector(layer_tensor(layer, "attn_sinks.weight"), shape.heads);
  if (e.parameters.alibi_bias > 0)
    attention.slopes = e.loader.computed_vector(alibi_slopes(shape.heads, e.parameters.alibi_bias));
  return e.tape.attention(attention, e.parameters.value_length);
}

BufferId emit_attention_output(Emission& e, size_t layer, BufferId seen) {
  if (e.architecture.has_sub_norms) seen = emit_norm(e, seen, layer_tensor(layer, "attn_sub_norm"));
  return emit_linear(e, seen, layer_tensor(layer, "attn_output"), e.parameters.embedding_length);
}

}  // namespace hearth::engine
