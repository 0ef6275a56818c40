// See plan.h.
#include "engine/quantize/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "base/error.h"
#include "engine/gguf/keys.h"
#include "engine/quantize/mixtures.h"

namespace hearth::engine {
namespace {

// Matrices that stay as they are: small, or read in a way that no blocks fit.
constexpr std::string_view kept_parts[] = {
    "_norm.weight",
    "ffn_gate_inp.weight",
    "altup",
    "laurel",
    "per_layer_model_proj",
    "position_embd.weight",
    "token_types.weight",
    ".position_embd.",
    "ssm_conv1d.weight",
    "shortconv.conv.weight",
    "time_mix_first.weight",
    "time_mix_w0.weight",
    "time_mix_w1.weight",
    "time_mix_w2.weight",
    "time_mix_v0.weight",
    "time_mix_v1.weight",
    "time_mix_v2.weight",
    "time_mix_a0.weight",
    "time_mix_a1.weight",
    "time_mix_a2.weight",
    "time_mix_g1.weight",
    "time_mix_g2.weight",
    "time_mix_decay_w1.weight",
    "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight",
    "attn_rel_b.weight",
};
// Towers for pictures and sound, and heads of their own, that stand beside a language model.
constexpr std::string_view kept_prefixes[] = {"v.", "mm.", "a.", "s.", "mtp."};

bool is_float(DType type) {
  return type == DType::f32 || type == DType::f16 || type == DType::bf16;
}

int matrix_dimensions(const TensorInfo& tensor) {
  for (int i = 4; i > 1; --i) {
    if (tensor.shape[static_cast<size_t>(i - 1)] > 1) return i;
  }
  return 1;
}

bool is_converted(const TensorInfo& tensor) {
  if (!tensor.name.ends_with("weight") || matrix_dimensions(tensor) < 2) return false;
  const auto contains = [&](std::string_view part) {
    return tensor.name.find(part) != std::string_view::npos;
  };
  const auto begins = [&](std::string_view prefix) { return tensor.name.starts_with(prefix); };
  return std::none_of(std::begin(kept_parts), std::end(kept_parts), contains) &&
         std::none_of(std::begin(kept_prefixes), std::end(kept_prefixes), begins);
}

struct LayerName {
  int64_t layer = -1;  // -1: no part of a layer
  std::string_view local;
};

LayerName split_name(std::string_view name) {
  if (!name.starts_with("blk.")) return {-1, name};
  int64_t layer = -1;
  const char* end = name.data() + name.size();
  const auto [rest, problem] = std::from_chars(name.data() + 4, end, layer);
  if (problem != std::errc() || rest == end || *rest != '.') return {-1, name};
  return {layer, name.substr(static_cast<size_t>(rest - name.data()) + 1)};
}

TensorRole role_of(std::string_view local, bool has_head) {
  const auto contains = [local](std::string_view part) {
    return local.find(part) != std::string_view::npos;
  };
  if (local == "output.weight") return TensorRole::head;
  if (local == "token_embd.weight") return has_head ? TensorRole::embedding : TensorRole::head;
  if (local == "per_layer_token_embd.weight") return TensorRole::embedding;
  if (contains("attn_v.weight")) return TensorRole::attention_v;
  if (contains("attn_k.weight")) return TensorRole::attention_k;
  if (contains("attn_output.weight")) return TensorRole::attention_output;
  if (contains("attn_qkv.weight")) return TensorRole::attention_qkv;
  if (contains("ffn_down")) return TensorRole::ffn_down;
  return TensorRole::other;
}

// A number, or the first of one per layer; 0 when the key is not there or means something else.
int64_t first_number(const GgufMetadata& metadata, std::string_view architecture,
                     std::string_view suffix) {
  const GgufValue* value = metadata.find(fmt::format("{}.{}", architecture, suffix));
  if (value == nullptr) return 0;
  const auto numbers = value->as_ints();
  return numbers && !numbers->empty() ? std::max<int64_t>(numbers->front(), 0) : 0;
}

// A type per tensor of the file.
class Plan {
 public:
  Plan(const GgufFile& file, const Mixture& mixture) : file_(file) {
    const GgufMetadata& metadata = file.metadata();
    model_.architecture = metadata.require_string(key_architecture);
    model_.layers = first_number(metadata, model_.architecture, "block_count");
    model_.experts = first_number(metadata, model_.architecture, "expert_count");
    const int64_t heads = first_number(metadata, model_.architecture, "attention.head_count");
    const int64_t kv_heads = first_number(metadata, model_.architecture, "attention.head_count_kv");
    model_.heads_per_kv_head = kv_heads > 0 ? heads / kv_heads : 1;
    types_.resize(file.tensors().size());
    has_head_ = file.find_tensor("output.weight") != nullptr;
    for (const TensorInfo& tensor : file.tensors()) value_count_ += carries_values(tensor) ? 1 : 0;
    for (const size_t i : in_order_of_layers()) types_[i] = choose(file.tensors()[i], mixture);
  }

  std::vector<DType> take() { return std::move(types_); }

 private:
  static bool carries_values(const TensorInfo& tensor) {
    constexpr std::string_view parts[] = {"attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight"};
    return std::any_of(std::begin(parts), std::end(parts), [&](std::string_view part) {
      return tensor.name.find(part) != std::string_view::npos;
    });
  }

  std::vector<size_t> in_order_of_layers() const {
    std::vector<size_t> order(types_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [this](size_t a, size_t b) {
      return split_name(file_.tensors()[a].name).layer < split_name(file_.tensors()[b].name).layer;
    });
    return order;
  }

  DType choose(const TensorInfo& tensor, const Mixture& mixture) {
    if (!is_converted(tensor)) return tensor.type;
    const LayerName name = split_name(tensor.name);
    TensorPlace place = model_;
    place.local_name = name.local;
    place.role = role_of(name.local, has_head_);
    place.width = tensor.shape[0];
    place.is_expert = tensor.shape[2] > 1;
    place.index = name.layer;
    place.count = model_.layers;
    if (place.role == TensorRole::attention_v) {
      place.index = values_seen_++;
      place.count = value_count_;
    }
    const DType type = mixture_type(mixture, place);
    if (type == tensor.type || is_float(tensor.type)) return type;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("cannot quantize to {}: {} of {} is {} already, and quantizing twice "
                            "spoils a model; start from one in F32, F16 or BF16",
                            mixture.name, tensor.name, file_.what(), info(tensor.type).name));
  }

  const GgufFile& file_;
  TensorPlace model_;
  bool has_head_ = false;
  int64_t value_count_ = 0;
  int64_t values_seen_ = 0;
  std::vector<DType> types_;
};

}  // namespace

std::vector<DType> plan_types(const GgufFile& file, const Mixture* mixture) {
  if (mixture != nullptr) return Plan(file, *mixture).take();
  std::vector<DType> types;
  for (const TensorInfo& tensor : file.tensors()) types.push_back(tensor.type);
  return types;
}

}  // namespace hearth::engine
