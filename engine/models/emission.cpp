#include "engine/models/emission.h"

namespace hearth::engine {
namespace {

WeightId bias_of(Emission& e, const std::string& tensor, int64_t rows, Presence presence) {
  return presence == Presence::required ? e.loader.vector(tensor, rows)
                                        : e.loader.optional_vector(tensor, rows);
}

// The factor that ternary formats keep beside a matrix; 1 where there is none.
float factor_of(Emission& e, const std::string& tensor) {
  const std::span<const float> values = e.loader.values(e.loader.optional_vector(tensor, 1));
  return values.empty() ? 1.0F : values[0];
}

WeightId part_of_vector(Emission& e, WeightId whole, RowPart part) {
  if (whole == no_weight) return no_weight;
  Weight vector = e.tape.weight(whole);
  vector.width = part.count;
  if (vector.data != nullptr) vector.data = static_cast<const float*>(vector.data) + part.first;
  return e.tape.add_weight(vector);
}

}  // namespace

std::string layer_tensor(size_t layer, std::string_view part) {
  return "blk." + std::to_string(layer) + "." + std::string(part);
}

BufferId emit_norm(Emission& e, BufferId in, const std::string& tensor) {
  const int64_t width = e.tape.buffer(in).width;
  const std::string name = tensor + ".weight";
  const WeightId weight = e.architecture.norm_weight == Presence::required
                              ? e.loader.vector(name, width)
                              : e.loader.optional_vector(name, width);
  if (e.architecture.norm == NormKind::rms) {
    return e.tape.norm(in, weight, e.parameters.norm_epsilon);
  }
  const WeightId bias = e.loader.optional_vector(tensor + ".bias", width);
  return e.tape.layer_norm(in, weight, bias, e.parameters.norm_epsilon);
}

BufferId emit_linear(Emission& e, BufferId in, const std::string& tensor, int64_t rows,
                     Presence bias) {
  const int64_t width = e.tape.buffer(in).width;
  const WeightId weight = e.loader.matrix(tensor + ".weight", width, rows);
  const int32_t slot = e.tape.add_adapter_slot({tensor, width, rows});
  const float factor = factor_of(e, tensor + ".scale");
  if (factor == 1.0F) {
    return e.tape.linear(in, weight, bias_of(e, tensor + ".bias", rows, bias), slot);
  }
  // The factor belongs to the matrix alone. No file has both it and a bias; one that had would be
  // refused for the bias that nobody read.
  const BufferId out = e.tape.linear(in, weight, no_weight, slot);
  e.tape.scale(out, factor);
  return out;
}

BufferId emit_linear_part(Emission& e, BufferId in, const std::string& tensor, RowPart part,
                          Presence bias) {
  const int64_t width = e.tape.buffer(in).width;
  const WeightId weight =
      e.loader.matrix_rows(tensor + ".weight", width, part.total, part.first, part.count);
  const WeightId whole = bias_of(e, tensor + ".bias", part.total, bias);
  return e.tape.linear(in, weight, part_of_vector(e, whole, part), no_adapter_slot);
}

QueryKeyValue emit_query_key_value(Emission& e, size_t layer, BufferId in) {
  const LayerParameters& shape = e.layer(layer);
  const int64_t q_rows = shape.heads * int64_t{e.parameters.key_length};
  const int64_t k_rows = shape.kv_heads * int64_t{e.parameters.key_length};
  const int64_t v_rows = shape.kv_heads * int64_t{e.parameters.value_length};
  const int64_t total = q_rows + k_rows + v_rows;
  const Presence bias = e.architecture.qkv_bias;
  const std::string fused = layer_tensor(layer, "attn_qkv");
  if (e.loader.has(fused + ".weight")) {
    return {emit_linear_part(e, in, fused, {0, q_rows, total}, bias),
            emit_linear_part(e, in, fused, {q_rows, k_rows, total}, bias),
            emit_linear_part(e, in, fused, {q_rows + k_rows, v_rows, total}, bias)};
  }
  return {emit_linear(e, in, layer_tensor(layer, "attn_q"), q_rows, bias),
          emit_linear(e, in, layer_tensor(layer, "attn_k"), k_rows, bias),
          emit_linear(e, in, layer_tensor(layer, "attn_v"), v_rows, bias)};
}

}  // namespace hearth::engine
