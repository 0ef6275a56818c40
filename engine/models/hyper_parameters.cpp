#include "engine/models/hyper_parameters.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "base/error.h"
#include "engine/gguf/keys.h"
#include "engine/models/key_reader.h"

namespace hearth::engine {
namespace {

// Beyond anything that exists, and small enough that products of three of them fit int64_t.
constexpr int64_t layers_max = 1024;
constexpr int64_t width_max = int64_t{1} << 20;
constexpr int64_t heads_max = 4096;
constexpr int64_t experts_max = 4096;
constexpr int64_t head_length_max = attention_dim_max;
constexpr int64_t context_max = int64_t{1} << 31;

void refuse_unsupported(const KeyReader& reader) {
  const bool is_causal = reader.flag(suffix_attention_causal, true);
  if (!is_causal && !reader.architecture().is_bidirectional) {
    reader.fail(ErrorCode::unsupported, suffix_attention_causal,
                "is false: " + std::string(reader.architecture().name) +
                    " models that look in both directions are not supported yet");
  }
}

// The last layer of each period sees everything. A period of 0 or less windows nothing.
bool is_windowed(int64_t layer, int64_t period) {
  return period > 0 && layer % period < period - 1;
}

void read_windows(const KeyReader& reader, HyperParameters& parameters) {
  if (reader.architecture().window_period == 0) return;
  const int64_t window =
      reader.integer(suffix_sliding_window, reader.architecture().window_default, 0, context_max);
  if (window == 0) return;
  const auto layers = static_cast<int64_t>(parameters.layers.size());
  const std::string key = reader.key(suffix_sliding_window_pattern);
  const GgufValue* value = reader.metadata().find(key);
  const std::vector<int64_t> pattern =
      reader.metadata().find_ints(key).value_or(std::vector<int64_t>{});
  const bool is_list = value != nullptr && value->is_array();
  if (is_list && static_cast<int64_t>(pattern.size()) < layers) {
    reader.fail(ErrorCode::corrupt_data, suffix_sliding_window_pattern,
                "has " + std::to_string(pattern.size()) + " values for " + std::to_string(layers) +
                    " layers");
  }
  const int64_t period =
      is_list || pattern.empty() ? reader.architecture().window_period : pattern[0];
  for (int64_t layer = 0; layer < layers; ++layer) {
    const auto index = static_cast<size_t>(layer);
    // A list says it for each layer; a lone number is the period.
    if (is_list ? pattern[index] != 0 : is_windowed(layer, period))
      parameters.layers[index].window = window;
  }
}

bool is_rotated(const KeyReader& reader, int64_t layer, const LayerParameters& parameters) {
  switch (reader.architecture().rope_layers) {
    case RopeLayers::all:
      return true;
    case RopeLayers::none:
      return false;
    case RopeLayers::not_every_fourth:
      return (layer + 1) % 4 != 0;
    case RopeLayers::windowed:
      return parameters.window > 0;
    case RopeLayers::finetuned:
      break;
  }
  return reader.flag(suffix_rope_scaling_finetuned, true);
}

void read_layers(const KeyReader& reader, HyperParameters& parameters) {
  const int64_t count = reader.require(suffix_block_count, 1, layers_max);
  const std::vector<int64_t> heads = reader.per_layer(suffix_head_count, count, heads_max);
  const bool has_kv = reader.metadata().find(reader.key(suffix_head_count_kv)) != nullptr;
  const std::vector<int64_t> kv_heads =
      has_kv ? reader.per_layer(suffix_head_count_kv, count, heads_max) : heads;
  const std::vector<int64_t> feed_forward =
      reader.per_layer(suffix_feed_forward_length, count, width_max);
  const int64_t feed_forward_parts = reader.architecture().halves_feed_forward ? 2 : 1;
  for (size_t layer = 0; layer < heads.size(); ++layer) {
    if (heads[layer] % kv_heads[layer] != 0) {
      reader.fail(ErrorCode::corrupt_data, suffix_head_count_kv,
                  "is " + std::to_string(kv_heads[layer]) + " for layer " + std::to_string(layer) +
                      ", which does not divide its " + std::to_string(heads[layer]) + " heads");
    }
    parameters.layers.push_back(
        {static_cast<int32_t>(heads[layer]), static_cast<int32_t>(kv_heads[layer]),
         std::max(int64_t{1}, feed_forward[layer] / feed_forward_parts), 0, true});
  }
  read_windows(reader, parameters);
  for (int64_t layer = 0; layer < count; ++layer) {
    LayerParameters& shape = parameters.layers[static_cast<size_t>(layer)];
    shape.has_rope = is_rotated(reader, layer, shape);
  }
}

void read_experts(const KeyReader& reader, HyperParameters& parameters) {
  ExpertParameters& experts = parameters.experts;
  experts.count = static_cast<int32_t>(reader.integer(suffix_expert_count, 0, 0, experts_max));
  if (experts.count == 0) return;
  experts.used =
      static_cast<int32_t>(reader.require(suffix_expert_used_count, 1, int64_t{experts.count}));
  const int64_t dense = parameters.layers.front().feed_forward_length;
  experts.feed_forward_length =
      reader.integer(suffix_expert_feed_forward_length, dense, 1, width_max);
  experts.shared_feed_forward_length =
      reader.integer(suffix_expert_shared_feed_forward_length, dense, 1, width_max);
}

void read_head_lengths(const KeyReader& reader, HyperParameters& parameters) {
  const int64_t heads = parameters.layers.front().heads;
  const int64_t otherwise = parameters.embedding_length / heads;
  if (otherwise == 0) {
    reader.fail(ErrorCode::corrupt_data, suffix_head_count,
                "is " + std::to_string(heads) + ", more than the embedding length " +
                    std::to_string(parameters.embedding_length));
  }
  parameters.key_length =
      static_cast<int32_t>(reader.integer(suffix_key_length, otherwise, 1, head_length_max));
  parameters.value_length =
      static_cast<int32_t>(reader.integer(suffix_value_length, otherwise, 1, head_length_max));
  if (parameters.key_length > head_length_max || parameters.value_length > head_length_max) {
    reader.fail(ErrorCode::unsupported, suffix_key_length,
                "is " + std::to_string(otherwise) + ", expected at most " +
                    std::to_string(head_length_max));
  }
}

// A missing type with a factor means linear, as files of before the key had it. Factors of longrope
// are tensors.
void read_rope_scaling(const KeyReader& reader, RopeParameters& rope) {
  const std::string_view type = reader.text(suffix_rope_scaling_type, "linear");
  rope.original_context =
      reader.number(suffix_rope_scaling_original_context, rope.original_context, 0.0);
  if (type == "none") return;
  if (type != "linear" && type != "yarn" && type != "longrope") {
    reader.fail(ErrorCode::unsupported, suffix_rope_scaling_type,
                "is \"" + printable(type) + "\", supported are none, linear, yarn and longrope");
  }
  rope.factor = reader.number(suffix_rope_scaling_factor,
                              reader.number(suffix_rope_scale_linear, 1.0, 0.0), 0.0);
  rope.yarn = type == "yarn";
  rope.attention_factor = reader.number(suffix_rope_scaling_attn_factor, 1.0, 0.0);
  if (!rope.yarn) return;
  rope.beta_fast = reader.number(suffix_rope_yarn_beta_fast, rope.beta_fast, 0.0);
  rope.beta_slow = reader.number(suffix_rope_yarn_beta_slow, rope.beta_slow, 0.0);
  rope.ext_factor = reader.number(suffix_rope_yarn_ext_factor, rope.ext_factor, -1e-9);
  rope.log_multiplier = reader.number(suffix_rope_yarn_log_multiplier, 0.0, -1e-9);
}

void read_rope(const KeyReader& reader, HyperParameters& parameters) {
  RopeParameters& rope = parameters.rope;
  rope.original_context = static_cast<double>(parameters.context_length);
  if (reader.architecture().rope_layers == RopeLayers::none) return;
  rope.dimension_count =
      reader.integer(suffix_rope_dimension_count, parameters.key_length, 2, parameters.key_length);
  if (rope.dimension_count % 2 != 0) {
    reader.fail(ErrorCode::corrupt_data, suffix_rope_dimension_count,
                "is " + std::to_string(rope.dimension_count) + ", expected an even number");
  }
  rope.freq_base = reader.number(suffix_rope_freq_base, rope.freq_base, 1.0);
  RopeParameters& window = parameters.window_rope;
  window = rope;
  read_rope_scaling(reader, rope);
  if (reader.architecture().scales_window_rope) window = rope;
  const double base = reader.architecture().window_freq_base;
  window.freq_base =
      reader.number(suffix_rope_freq_base_swa, base > 0 ? base : rope.freq_base, 1.0);
}

void read_scales(const KeyReader& reader, HyperParameters& parameters) {
  const ArchitectureRow& row = reader.architecture();
  const auto width = static_cast<double>(parameters.embedding_length);
  const bool is_wide = static_cast<int64_t>(parameters.layers.size()) == row.wide_scale_layers;
  const double head_length =
      is_wide ? width / parameters.layers.front().heads : parameters.key_length;
  parameters.attention_scale =
      static_cast<float>(reader.number(suffix_attention_scale, 1.0 / std::sqrt(head_length), 0.0));
  const double embedding = row.scales_embedding ? std::sqrt(width) : 1.0;
  parameters.embedding_scale =
      static_cast<float>(reader.scale(suffix_embedding_scale, embedding, row.scales));
  parameters.residual_scale =
      static_cast<float>(reader.scale(suffix_residual_scale, 1.0, row.scales));
  if (row.logit_scale != LogitScale::ignored) {
    const double scale = reader.scale(suffix_logit_scale, 1.0, row.scales);
    parameters.logit_factor =
        static_cast<float>(row.logit_scale == LogitScale::multiplies ? scale : 1.0 / scale);
  }
  if (!row.has_soft_caps) return;
  parameters.attention_soft_cap =
      static_cast<float>(reader.number(suffix_attention_softcap, row.attention_soft_cap, -1e-9));
  parameters.final_soft_cap =
      static_cast<float>(reader.number(suffix_final_softcap, row.final_soft_cap, -1e-9));
}

// What changes queries, keys and values before attention; 0 where a file says nothing.
void read_query_changes(const KeyReader& reader, HyperParameters& parameters) {
  parameters.qkv_clamp = static_cast<float>(reader.number(suffix_attention_clamp, 0.0, -1e-9));
  parameters.temperature_scale =
      static_cast<float>(reader.number(suffix_attention_temperature_scale, 0.0, -1e-9));
  const auto layers = static_cast<int64_t>(parameters.layers.size());
  const ArchitectureRow& row = reader.architecture();
  if (row.alibi_bias > 0 && (row.alibi_layers == 0 || row.alibi_layers == layers)) {
    parameters.alibi_bias =
        static_cast<float>(reader.number(suffix_attention_alibi_bias, row.alibi_bias, 0.0));
    for (LayerParameters& layer : parameters.layers) layer.has_rope = false;
  }
  parameters.temperature_length = static_cast<float>(parameters.rope.original_context);
}

}  // namespace

HyperParameters read_hyper_parameters(const GgufMetadata& metadata,
                                      const ArchitectureRow& architecture) {
  const KeyReader reader(metadata, architecture);
  refuse_unsupported(reader);
  HyperParameters parameters;
  parameters.embedding_length = reader.require(suffix_embedding_length, 1, width_max);
  parameters.context_length = reader.require(suffix_context_length, 1, context_max);
  parameters.context_used = parameters.context_length;
  parameters.is_parallel = reader.flag(suffix_parallel_residual, true);
  const std::string_view epsilon =
      architecture.norm == NormKind::layer ? suffix_norm_epsilon : suffix_rms_epsilon;
  if (metadata.find(reader.key(epsilon)) == nullptr) {
    reader.fail(ErrorCode::corrupt_data, epsilon, "is missing");
  }
  parameters.norm_epsilon = static_cast<float>(reader.number(epsilon, 0.0, -1e-30));
  if (metadata.find(reader.key(suffix_pooling_type)) != nullptr) {
    parameters.pooling =
        static_cast<Pooling>(reader.require(suffix_pooling_type, 0, pooling_count - 1));
  }
  read_layers(reader, parameters);
  read_experts(reader, parameters);
  read_head_lengths(reader, parameters);
  read_rope(reader, parameters);
  read_scales(reader, parameters);
  read_query_changes(reader, parameters);
  return parameters;
}

}  // namespace hearth::engine
