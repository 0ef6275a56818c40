// Files of Mistral 7B, Nemo, Small and Devstral, SmolLM, TinyLlama, Yi and many others say "llama".
#include "engine/models/architecture.h"

namespace hearth::engine {
namespace {

constexpr ArchitectureRow architectures[] = {
    {.name = "llama", .renormalizes_experts = true},
    {.name = "qwen2", .rope_style = RopeStyle::halves, .qkv_bias = Presence::required},
    {.name = "qwen3", .rope_style = RopeStyle::halves, .has_qk_norm = true},
    {.name = "qwen2moe", .rope_style = RopeStyle::halves, .qkv_bias = Presence::required},
    {.name = "qwen3moe",
     .rope_style = RopeStyle::halves,
     .has_qk_norm = true,
     .renormalizes_experts = true},
    {.name = "gpt-oss",
     .rope_style = RopeStyle::halves,
     .gate = GateKind::clamped_swiglu,
     .window_period = 2,
     .window_freq_base = 0,
     .expert_gating = ExpertGating::softmax_of_chosen,
     .has_sinks = true,
     .feed_forward_norm = "post_attention_norm"},
    {.name = "gemma3",
     .rope_style = RopeStyle::halves,
     .gate = GateKind::gelu_tanh,
     .has_qk_norm = true,
     .has_post_norms = true,
     .scales_embedding = true,
     .has_soft_caps = true,
     .window_period = 6,
     .window_freq_base = 10000.0,
     .wide_scale_layers = 62},
    {.name = "gemma-embedding",
     .rope_style = RopeStyle::halves,
     .gate = GateKind::gelu_tanh,
     .has_qk_norm = true,
     .has_post_norms = true,
     .scales_embedding = true,
     .window_period = 6,
     .window_freq_base = 10000.0,
     .is_bidirectional = true},
    {.name = "bert",
     .gate = GateKind::gelu_tanh,
     .block = Block::bert,
     .has_layer_norms = true,
     .is_bidirectional = true,
     .has_position_table = true},
    {.name = "nomic-bert",
     .rope_style = RopeStyle::halves,
     .gate = GateKind::silu,
     .block = Block::bert,
     .has_layer_norms = true,
     .is_bidirectional = true},
};

}  // namespace

const ArchitectureRow* find_architecture(std::string_view name) {
  for (const ArchitectureRow& row : architectures) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::string architecture_names() {
  std::string names;
  for (const ArchitectureRow& row : architectures) {
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

}  // namespace hearth::engine
