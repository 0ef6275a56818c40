#include "engine/models/bert_encoder.h"

#include <string>

#include "engine/models/score_head.h"

namespace hearth::engine {
namespace {

class BertEncoder {
 public:
  BertEncoder(const ArchitectureRow& architecture, const HyperParameters& parameters,
              WeightLoader& loader, Tape& tape, CacheShape& cache)
      : architecture_(architecture),
        parameters_(parameters),
        loader_(loader),
        tape_(tape),
        cache_(cache) {}

  void emit() {
    BufferId x = emit_input();
    cache_.groups.push_back({CacheGroupKind::full, 0, {}});
    for (size_t layer = 0; layer < parameters_.layers.size(); ++layer) {
      x = emit_attention(layer, x);
      x = emit_feed_forward(layer, x);
    }
    tape_.set_hidden(x);
    if (parameters_.pooling == Pooling::rank) emit_score_head(x, loader_, tape_);
  }

 private:
  BufferId emit_input() {
    const int64_t width = parameters_.embedding_length;
    const BufferId x = tape_.get_row(loader_.table("token_embd.weight", width), 1.0F);
    // All text is of the first type.
    const WeightId types = loader_.optional_table("token_types.weight", width);
    if (types != no_weight) tape_.add_to(x, tape_.get_row(types, 1.0F, RowSource::first));
    if (architecture_.has_position_table) {
      const WeightId table =
          loader_.matrix("position_embd.weight", width, parameters_.context_length);
      tape_.add_to(x, tape_.get_row(table, 1.0F, RowSource::position));
    } else {
      angles_ = tape_.rope_angles(tape_.add_rope(make_rope_table(parameters_.rope)));
    }
    return norm(x, "token_embd_norm");
  }

  // In the last layer only the wanted rows go on.
  BufferId emit_attention(size_t layer, BufferId x) {
    const LayerParameters& shape = parameters_.layers[layer];
    const int64_t q_rows = shape.heads * int64_t{parameters_.key_length};
    const int64_t k_rows = shape.kv_heads * int64_t{parameters_.key_length};
    const int64_t v_rows = shape.kv_heads * int64_t{parameters_.value_length};
    const int64_t total = q_rows + k_rows + v_rows;
    const BufferId q = project_part(layer, "attn_q", x, {0, q_rows, total});
    const BufferId k = project_part(layer, "attn_k", x, {q_rows, k_rows, total});
    const BufferId v = project_part(layer, "attn_v", x, {q_rows + k_rows, v_rows, total});
    if (angles_ != no_buffer) {
      tape_.rope(q, angles_, shape.heads, architecture_.rope_style);
      tape_.rope(k, angles_, shape.kv_heads, architecture_.rope_style);
    }
    const CacheSlot slot{0, static_cast<int32_t>(layer)};
    cache_.groups[0].layers.push_back(
        {shape.kv_heads, parameters_.key_length, parameters_.value_length});
    cache_.slots.push_back(slot);
    tape_.store_kv(k, v, slot);
    Attention attention;
    attention.queries = q;
    attention.slot = slot;
    attention.heads = shape.heads;
    attention.kv_heads = shape.kv_heads;
    attention.scale = parameters_.attention_scale;
    attention.is_bidirectional = true;
    BufferId seen = tape_.attention(attention, parameters_.value_length);
    if (layer + 1 == parameters_.layers.size()) {
      seen = tape_.select_rows(seen);
      x = tape_.select_rows(x);
    }
    tape_.add_to(x, project(layer, "attn_output", seen, parameters_.embedding_length));
    return norm(x, name(layer, "attn_output_norm"));
  }

  BufferId emit_feed_forward(size_t layer, BufferId x) {
    const int64_t length = parameters_.layers[layer].feed_forward_length;
    BufferId hidden = no_buffer;
    if (loader_.has(name(layer, "ffn_gate.weight"))) {
      const BufferId gate = project(layer, "ffn_gate", x, length);
      hidden = tape_.gate(architecture_.gate, gate, project(layer, "ffn_up", x, length));
    } else {
      hidden = tape_.activate(architecture_.gate, project(layer, "ffn_up", x, length));
    }
    tape_.add_to(x, project(layer, "ffn_down", hidden, parameters_.embedding_length));
    return norm(x, name(layer, "layer_output_norm"));
  }

  BufferId norm(BufferId in, const std::string& tensor) {
    const int64_t width = tape_.buffer(in).width;
    const WeightId weight = loader_.vector(tensor + ".weight", width);
    return tape_.layer_norm(in, weight, loader_.optional_vector(tensor + ".bias", width),
                            parameters_.norm_epsilon);
  }

  BufferId project(size_t layer, std::string_view part, BufferId in, int64_t rows) {
    const std::string tensor = name(layer, part);
    const int64_t width = tape_.buffer(in).width;
    const WeightId weight = loader_.matrix(tensor + ".weight", width, rows);
    const WeightId bias = loader_.optional_vector(tensor + ".bias", rows);
    return tape_.linear(in, weight, bias, tape_.add_adapter_slot({tensor, width, rows}));
  }

  // Rows [first, first + count) of a matrix of `total` rows.
  struct Part {
    int64_t first;
    int64_t count;
    int64_t total;
  };

  // One of queries, keys and values: a matrix of its own, or rows of attn_qkv.
  BufferId project_part(size_t layer, std::string_view own, BufferId in, Part part) {
    const std::string fused = name(layer, "attn_qkv");
    if (!loader_.has(fused + ".weight")) return project(layer, own, in, part.count);
    const int64_t width = tape_.buffer(in).width;
    const WeightId weight =
        loader_.matrix_rows(fused + ".weight", width, part.total, part.first, part.count);
    return tape_.linear(in, weight, bias_part(fused + ".bias", part), no_adapter_slot);
  }

  WeightId bias_part(const std::string& tensor, Part part) {
    const WeightId whole = loader_.optional_vector(tensor, part.total);
    if (whole == no_weight) return no_weight;
    Weight bias = tape_.weight(whole);
    bias.width = part.count;
    if (bias.data != nullptr) bias.data = static_cast<const float*>(bias.data) + part.first;
    return tape_.add_weight(bias);
  }

  static std::string name(size_t layer, std::string_view part) {
    return "blk." + std::to_string(layer) + "." + std::string(part);
  }

  const ArchitectureRow& architecture_;
  const HyperParameters& parameters_;
  WeightLoader& loader_;
  Tape& tape_;
  CacheShape& cache_;
  BufferId angles_ = no_buffer;
};

}  // namespace

void emit_bert_encoder(const ArchitectureRow& architecture, const HyperParameters& parameters,
                       WeightLoader& loader, Tape& tape, CacheShape& cache) {
  BertEncoder(architecture, parameters, loader, tape, cache).emit();
}

}  // namespace hearth::engine
