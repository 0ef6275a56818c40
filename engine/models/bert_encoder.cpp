#include "engine/models/bert_encoder.h"

#include "engine/models/score_head.h"

namespace hearth::engine {
namespace {

class BertEncoder {
 public:
  explicit BertEncoder(Emission& e) : e_(e) {}

  void emit() {
    BufferId x = emit_input();
    e_.cache.groups.push_back({CacheGroupKind::full, 0, {}});
    for (size_t layer = 0; layer < e_.parameters.layers.size(); ++layer) {
      x = emit_attention(layer, x);
      x = emit_feed_forward(layer, x);
    }
    e_.tape.set_hidden(x);
    if (e_.parameters.pooling == Pooling::rank) emit_score_head(x, e_.loader, e_.tape);
  }

 private:
  BufferId emit_input() {
    const int64_t width = e_.parameters.embedding_length;
    const BufferId x = e_.tape.get_row(e_.loader.table("token_embd.weight", width), 1.0F);
    // All text is of the first type.
    const WeightId types = e_.loader.optional_table("token_types.weight", width);
    if (types != no_weight) e_.tape.add_to(x, e_.tape.get_row(types, 1.0F, RowSource::first));
    if (e_.architecture.has_position_table) {
      const WeightId table =
          e_.loader.matrix("position_embd.weight", width, e_.parameters.context_length);
      e_.tape.add_to(x, e_.tape.get_row(table, 1.0F, RowSource::position));
    } else {
      angles_ = e_.tape.rope_angles(e_.tape.add_rope(make_rope_table(e_.parameters.rope)));
    }
    return emit_norm(e_, x, "token_embd_norm");
  }

  // In the last layer only the wanted rows go on.
  BufferId emit_attention(size_t layer, BufferId x) {
    const LayerParameters& shape = e_.layer(layer);
    const QueryKeyValue inputs = emit_query_key_value(e_, layer, x);
    if (angles_ != no_buffer) {
      e_.tape.rope(inputs.query, angles_, shape.heads, e_.architecture.rope_style);
      e_.tape.rope(inputs.key, angles_, shape.kv_heads, e_.architecture.rope_style);
    }
    const CacheSlot slot{0, static_cast<int32_t>(layer)};
    e_.cache.groups[0].layers.push_back(
        {shape.kv_heads, e_.parameters.key_length, e_.parameters.value_length});
    e_.cache.slots.push_back(slot);
    e_.tape.store_kv(inputs.key, inputs.value, slot);
    Attention attention;
    attention.queries = inputs.query;
    attention.slot = slot;
    attention.heads = shape.heads;
    attention.kv_heads = shape.kv_heads;
    attention.scale = e_.parameters.attention_scale;
    attention.is_bidirectional = true;
    BufferId seen = e_.tape.attention(attention, e_.parameters.value_length);
    if (e_.is_last(layer)) {
      seen = e_.tape.select_rows(seen);
      x = e_.tape.select_rows(x);
    }
    e_.tape.add_to(x, project(layer, "attn_output", seen, e_.parameters.embedding_length));
    return emit_norm(e_, x, layer_tensor(layer, "attn_output_norm"));
  }

  BufferId emit_feed_forward(size_t layer, BufferId x) {
    const int64_t length = e_.layer(layer).feed_forward_length;
    const GateKind kind = e_.architecture.gate;
    BufferId hidden = no_buffer;
    if (e_.loader.has(layer_tensor(layer, "ffn_gate.weight"))) {
      const BufferId gate = project(layer, "ffn_gate", x, length);
      hidden = e_.tape.gate(kind, gate, project(layer, "ffn_up", x, length));
    } else {
      hidden = e_.tape.activate(kind, project(layer, "ffn_up", x, length));
    }
    e_.tape.add_to(x, project(layer, "ffn_down", hidden, e_.parameters.embedding_length));
    return emit_norm(e_, x, layer_tensor(layer, "layer_output_norm"));
  }

  BufferId project(size_t layer, std::string_view part, BufferId in, int64_t rows) {
    return emit_linear(e_, in, layer_tensor(layer, part), rows);
  }

  Emission& e_;
  BufferId angles_ = no_buffer;
};

}  // namespace

void emit_bert_encoder(Emission& e) {
  BertEncoder(e).emit();
}

}  // namespace hearth::engine
