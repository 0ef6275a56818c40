#include "engine/models/hyper_parameters.h"

#include <cmath>
#include <optional>
#include <string>

#include "base/error.h"
#include "engine/gguf/keys.h"

namespace hearth::engine {
namespace {

// Beyond anything that exists, and small enough that products of three of them fit int64_t.
constexpr int64_t layers_max = 1024;
constexpr int64_t width_max = int64_t{1} << 20;
constexpr int64_t heads_max = 4096;
constexpr int64_t experts_max = 4096;
constexpr int64_t head_length_max = attention_dim_max;
constexpr int64_t context_max = int64_t{1} << 31;

class Reader {
 public:
  Reader(const GgufMetadata& metadata, const ArchitectureRow& architecture)
      : metadata_(metadata), architecture_(architecture) {}

  std::string key(std::string_view suffix) const { return arch_key(architecture_.name, suffix); }

  int64_t require(std::string_view suffix, int64_t low, int64_t high) const {
    return metadata_.require_int_between(key(suffix), low, high);
  }

  int64_t integer(std::string_view suffix, int64_t otherwise, int64_t low, int64_t high) const {
    return metadata_.find(key(suffix)) == nullptr ? otherwise : require(suffix, low, high);
  }

  // A number above `low`, at most 1e12.
  double number(std::string_view suffix, double otherwise, double low) const {
    const std::optional<double> value = metadata_.find_float(key(suffix));
    if (!value) return otherwise;
    if (!(*value > low && *value <= 1e12)) {
      fail(ErrorCode::corrupt_data, suffix,
           "is " + std::to_string(*value) + ", expected a number above " + std::to_string(low));
    }
    return *value;
  }

  std::string_view text(std::string_view suffix, std::string_view otherwise) const {
    return metadata_.find_string(key(suffix)).value_or(otherwise);
  }

  std::vector<int64_t> per_layer(std::string_view suffix, int64_t count, int64_t high) const {
    const auto values = metadata_.find_ints_per_layer(key(suffix), count);
    if (!values) fail(ErrorCode::corrupt_data, suffix, "is missing");
    check_range(suffix, *values, high);
    return *values;
  }

  void check_range(std::string_view suffix, const std::vector<int64_t>& values,
                   int64_t high) const {
    for (size_t layer = 0; layer < values.size(); ++layer) {
      if (values[layer] >= 1 && values[layer] <= high) continue;
      fail(ErrorCode::corrupt_data, suffix,
           "is " + std::to_string(values[layer]) + " for layer " + std::to_string(layer) +
               ", expected 1 to " + std::to_string(high));
    }
  }

  [[noreturn]] void fail(ErrorCode code, std::string_view suffix, const std::string& what) const {
    throw Error(code, metadata_.what() + ": " + key(suffix) + " " + what);
  }

  const GgufMetadata& metadata() const { return metadata_; }
  const ArchitectureRow& architecture() const { return architecture_; }

 private:
  const GgufMetadata& metadata_;
  const ArchitectureRow& architecture_;
};

void refuse_unsupported(const Reader& reader) {
  const auto causal = reader.metadata().find_bool(reader.key(suffix_attention_causal));
  if (causal && !*causal && !reader.architecture().is_bidirectional) {
    reader.fail(ErrorCode::unsupported, suffix_attention_causal,
                "is false: " + std::string(reader.architecture().name) +
                    " models that look in both directions are not supported yet");
  }
}

// The last layer of each period sees everything. A period of 0 or less windows nothing.
bool is_windowed(int64_t layer, int64_t period) {
  return period > 0 && layer % period < period - 1;
}

void read_windows(const Reader& reader, HyperParameters& parameters) {
  if (reader.architecture().window_period == 0) return;
  const int64_t window = reader.integer(suffix_sliding_window, 0, 0, context_max);
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

void read_layers(const Reader& reader, HyperParameters& parameters) {
  const int64_t count = reader.require(suffix_block_count, 1, layers_max);
  const std::vector<int64_t> heads = reader.per_layer(suffix_head_count, count, heads_max);
  const bool has_kv = reader.metadata().find(reader.key(suffix_head_count_kv)) != nullptr;
  const std::vector<int64_t> kv_heads =
      has_kv ? reader.per_layer(suffix_head_count_kv, count, heads_max) : heads;
  const std::vector<int64_t> feed_forward =
      reader.per_layer(suffix_feed_forward_length, count, width_max);
  for (size_t layer = 0; layer < heads.size(); ++layer) {
    if (heads[layer] % kv_heads[layer] != 0) {
      reader.fail(ErrorCode::corrupt_data, suffix_head_count_kv,
                  "is " + std::to_string(kv_heads[layer]) + " for layer " + std::to_string(layer) +
                      ", which does not divide its " + std::to_string(heads[layer]) + " heads");
    }
    parameters.layers.push_back({static_cast<int32_t>(heads[layer]),
                                 static_cast<int32_t>(kv_heads[layer]), feed_forward[layer], 0});
  }
  read_windows(reader, parameters);
}

void read_experts(const Reader& reader, HyperParameters& parameters) {
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

void read_head_lengths(const Reader& reader, HyperParameters& parameters) {
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

// A missing type with a factor means linear, as files of before the key had it.
void read_rope_scaling(const Reader& reader, RopeParameters& rope) {
  const std::string_view type = reader.text(suffix_rope_scaling_type, "linear");
  if (type == "none") return;
  if (type != "linear" && type != "yarn") {
    reader.fail(ErrorCode::unsupported, suffix_rope_scaling_type,
                "is \"" + printable(type) + "\", supported are none, linear and yarn");
  }
  rope.factor = reader.number(suffix_rope_scaling_factor,
                              reader.number(suffix_rope_scale_linear, 1.0, 0.0), 0.0);
  rope.yarn = type == "yarn";
  rope.attention_factor = reader.number(suffix_rope_scaling_attn_factor, 1.0, 0.0);
  if (!rope.yarn) return;
  rope.original_context =
      reader.number(suffix_rope_scaling_original_context, rope.original_context, 0.0);
  rope.beta_fast = reader.number(suffix_rope_yarn_beta_fast, rope.beta_fast, 0.0);
  rope.beta_slow = reader.number(suffix_rope_yarn_beta_slow, rope.beta_slow, 0.0);
  rope.ext_factor = reader.number(suffix_rope_yarn_ext_factor, rope.ext_factor, -1e-9);
  rope.log_multiplier = reader.number(suffix_rope_yarn_log_multiplier, 0.0, -1e-9);
}

void read_rope(const Reader& reader, HyperParameters& parameters) {
  RopeParameters& rope = parameters.rope;
  rope.dimension_count =
      reader.integer(suffix_rope_dimension_count, parameters.key_length, 2, parameters.key_length);
  if (rope.dimension_count % 2 != 0) {
    reader.fail(ErrorCode::corrupt_data, suffix_rope_dimension_count,
                "is " + std::to_string(rope.dimension_count) + ", expected an even number");
  }
  rope.freq_base = reader.number(suffix_rope_freq_base, rope.freq_base, 1.0);
  rope.original_context = static_cast<double>(parameters.context_length);
  parameters.window_rope = rope;
  read_rope_scaling(reader, rope);
  if (reader.architecture().window_freq_base == 0) {
    parameters.window_rope = rope;
    return;
  }
  parameters.window_rope.freq_base =
      reader.number(suffix_rope_freq_base_swa, reader.architecture().window_freq_base, 1.0);
}

void read_scales(const Reader& reader, HyperParameters& parameters) {
  const ArchitectureRow& row = reader.architecture();
  const auto width = static_cast<double>(parameters.embedding_length);
  const bool is_wide = static_cast<int64_t>(parameters.layers.size()) == row.wide_scale_layers;
  const double head_length =
      is_wide ? width / parameters.layers.front().heads : parameters.key_length;
  parameters.attention_scale =
      static_cast<float>(reader.number(suffix_attention_scale, 1.0 / std::sqrt(head_length), 0.0));
  if (row.scales_embedding) parameters.embedding_scale = static_cast<float>(std::sqrt(width));
  if (!row.has_soft_caps) return;
  parameters.attention_soft_cap =
      static_cast<float>(reader.number(suffix_attention_softcap, 0.0, -1e-9));
  parameters.final_soft_cap = static_cast<float>(reader.number(suffix_final_softcap, 0.0, -1e-9));
}

}  // namespace

HyperParameters read_hyper_parameters(const GgufMetadata& metadata,
                                      const ArchitectureRow& architecture) {
  const Reader reader(metadata, architecture);
  refuse_unsupported(reader);
  HyperParameters parameters;
  parameters.embedding_length = reader.require(suffix_embedding_length, 1, width_max);
  parameters.context_length = reader.require(suffix_context_length, 1, context_max);
  const std::string_view epsilon =
      architecture.has_layer_norms ? suffix_norm_epsilon : suffix_rms_epsilon;
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
  return parameters;
}

}  // namespace hearth::engine
