#include "engine/models/dense_decoder.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "engine/models/expert_layer.h"
#include "engine/models/score_head.h"

namespace hearth::engine {
namespace {

struct Ropes {
  BufferId full = no_buffer;
  BufferId window = no_buffer;
};

class DenseDecoder {
 public:
  DenseDecoder(const ArchitectureRow& architecture, const HyperParameters& parameters,
               WeightLoader& loader, Tape& tape, CacheShape& cache)
      : architecture_(architecture),
        parameters_(parameters),
        loader_(loader),
        tape_(tape),
        cache_(cache) {}

  void emit() {
    const int64_t width = parameters_.embedding_length;
    const WeightId table = loader_.table("token_embd.weight", width);
    BufferId x = tape_.get_row(table, parameters_.embedding_scale);
    emit_ropes();
    for (size_t layer = 0; layer < parameters_.layers.size(); ++layer) {
      x = emit_attention(layer, x);
      emit_feed_forward(layer, x);
    }
    const BufferId last = norm(x, "output_norm.weight");
    tape_.set_hidden(last);
    if (parameters_.pooling == Pooling::rank) {
      emit_score_head(last, loader_, tape_);
      return;
    }
    if (architecture_.is_bidirectional) {
      emit_embedding_head(last);
      return;
    }
    WeightId head = loader_.optional_table("output.weight", width);
    if (head == no_weight) head = table;
    const WeightId bias = loader_.optional_vector("output.bias", tape_.weight(head).row_count);
    const BufferId logits = tape_.linear(last, head, bias, no_adapter_slot);
    if (parameters_.final_soft_cap > 0) tape_.soft_cap(logits, parameters_.final_soft_cap);
    tape_.set_logits(logits);
  }

 private:
  // Projections that sentence embedding models put behind the pooling. They are linear without a
  // bias, so the mean of the projected rows is the projected mean.
  void emit_embedding_head(BufferId hidden) {
    BufferId x = hidden;
    for (const char* tensor : {"dense_2.weight", "dense_3.weight"}) {
      const WeightId weight = loader_.optional_table(tensor, tape_.buffer(x).width);
      if (weight != no_weight) x = tape_.linear(x, weight, no_weight, no_adapter_slot);
    }
    if (x != hidden) tape_.set_logits(x);
  }

  // The residual stream after attention. In the last layer only the wanted rows go on.
  BufferId emit_attention(size_t layer, BufferId x) {
    const LayerParameters& shape = parameters_.layers[layer];
    const BufferId n = norm(x, name(layer, "attn_norm.weight"));
    const BufferId q =
        project(layer, "attn_q", n, shape.heads * int64_t{parameters_.key_length}, qkv_bias());
    const BufferId k =
        project(layer, "attn_k", n, shape.kv_heads * int64_t{parameters_.key_length}, qkv_bias());
    const BufferId v =
        project(layer, "attn_v", n, shape.kv_heads * int64_t{parameters_.value_length}, qkv_bias());
    if (architecture_.has_qk_norm) {
      head_norm(q, shape.heads, name(layer, "attn_q_norm.weight"));
      head_norm(k, shape.kv_heads, name(layer, "attn_k_norm.weight"));
    }
    const BufferId angles = shape.window > 0 ? ropes_.window : ropes_.full;
    tape_.rope(q, angles, shape.heads, architecture_.rope_style);
    tape_.rope(k, angles, shape.kv_heads, architecture_.rope_style);
    const CacheSlot slot = cache_slot(shape);
    tape_.store_kv(k, v, slot);
    Attention attention;
    attention.queries = q;
    attention.slot = slot;
    attention.heads = shape.heads;
    attention.kv_heads = shape.kv_heads;
    attention.window = shape.window;
    attention.is_bidirectional = architecture_.is_bidirectional;
    attention.scale = parameters_.attention_scale;
    attention.soft_cap = parameters_.attention_soft_cap;
    if (architecture_.has_sinks)
      attention.sinks = loader_.vector(name(layer, "attn_sinks.weight"), shape.heads);
    BufferId seen = tape_.attention(attention, parameters_.value_length);
    if (layer + 1 == parameters_.layers.size()) {
      seen = tape_.select_rows(seen);
      x = tape_.select_rows(x);
    }
    BufferId out =
        project(layer, "attn_output", seen, parameters_.embedding_length, Presence::optional);
    if (architecture_.has_post_norms) out = norm(out, name(layer, "post_attention_norm.weight"));
    tape_.add_to(x, out);
    return x;
  }

  void emit_feed_forward(size_t layer, BufferId x) {
    const BufferId n =
        norm(x, name(layer, std::string(architecture_.feed_forward_norm) + ".weight"));
    BufferId out = parameters_.experts.count > 0
                       ? emit_experts(architecture_, parameters_.experts, layer, n, loader_, tape_)
                       : emit_gated(layer, n);
    if (architecture_.has_post_norms) out = norm(out, name(layer, "post_ffw_norm.weight"));
    tape_.add_to(x, out);
  }

  BufferId emit_gated(size_t layer, BufferId in) {
    const int64_t length = parameters_.layers[layer].feed_forward_length;
    const BufferId gate = project(layer, "ffn_gate", in, length, Presence::optional);
    const BufferId up = project(layer, "ffn_up", in, length, Presence::optional);
    const BufferId hidden = tape_.gate(architecture_.gate, gate, up);
    return project(layer, "ffn_down", hidden, parameters_.embedding_length, Presence::optional);
  }

  void emit_ropes() {
    bool has_full = false;
    bool has_window = false;
    for (const LayerParameters& layer : parameters_.layers) {
      has_window = has_window || layer.window > 0;
      has_full = has_full || layer.window == 0;
    }
    const int64_t pairs = parameters_.rope.dimension_count / 2;
    RopeParameters full = parameters_.rope;
    full.freq_factors = loader_.values(loader_.optional_vector("rope_freqs.weight", pairs));
    if (!std::all_of(full.freq_factors.begin(), full.freq_factors.end(),
                     [](float f) { return f > 0; })) {
      throw Error(ErrorCode::corrupt_data, "rope_freqs.weight: values must be above zero");
    }
    if (has_full) ropes_.full = tape_.rope_angles(tape_.add_rope(make_rope_table(full)));
    if (has_window)
      ropes_.window = tape_.rope_angles(tape_.add_rope(make_rope_table(parameters_.window_rope)));
  }

  // Layers that keep their entries equally long share a cache group.
  CacheSlot cache_slot(const LayerParameters& layer) {
    // A bidirectional model keeps nothing from step to step that could slide out of a window.
    const int64_t window = architecture_.is_bidirectional ? 0 : layer.window;
    size_t group = 0;
    while (group < cache_.groups.size() && cache_.groups[group].window != window) ++group;
    if (group == cache_.groups.size()) {
      const CacheGroupKind kind = window > 0 ? CacheGroupKind::window : CacheGroupKind::full;
      cache_.groups.push_back({kind, window, {}});
    }
    std::vector<CacheLayerShape>& layers = cache_.groups[group].layers;
    layers.push_back({layer.kv_heads, parameters_.key_length, parameters_.value_length});
    cache_.slots.push_back({static_cast<int32_t>(group), static_cast<int32_t>(layers.size()) - 1});
    return cache_.slots.back();
  }

  BufferId norm(BufferId in, const std::string& tensor) {
    return tape_.norm(in, loader_.vector(tensor, tape_.buffer(in).width), parameters_.norm_epsilon);
  }

  void head_norm(BufferId buffer, int32_t heads, const std::string& tensor) {
    tape_.head_norm(buffer, heads, loader_.vector(tensor, parameters_.key_length),
                    parameters_.norm_epsilon);
  }

  BufferId project(size_t layer, std::string_view part, BufferId in, int64_t rows, Presence bias) {
    const std::string tensor = name(layer, part);
    const int64_t width = tape_.buffer(in).width;
    const WeightId weight = loader_.matrix(tensor + ".weight", width, rows);
    const WeightId offset = bias == Presence::required
                                ? loader_.vector(tensor + ".bias", rows)
                                : loader_.optional_vector(tensor + ".bias", rows);
    return tape_.linear(in, weight, offset, tape_.add_adapter_slot({tensor, width, rows}));
  }

  Presence qkv_bias() const { return architecture_.qkv_bias; }

  static std::string name(size_t layer, std::string_view part) {
    return "blk." + std::to_string(layer) + "." + std::string(part);
  }

  const ArchitectureRow& architecture_;
  const HyperParameters& parameters_;
  WeightLoader& loader_;
  Tape& tape_;
  CacheShape& cache_;
  Ropes ropes_;
};

}  // namespace

void emit_dense_decoder(const ArchitectureRow& architecture, const HyperParameters& parameters,
                        WeightLoader& loader, Tape& tape, CacheShape& cache) {
  DenseDecoder(architecture, parameters, loader, tape, cache).emit();
}

}  // namespace hearth::engine
