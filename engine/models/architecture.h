// The architectures hearth runs: one row per name that a GGUF file may give. Llama-like models
// differ in flags; another order of operations is another file beside dense_decoder.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/kernels/kernels.h"
#include "engine/tape/operations.h"

namespace hearth::engine {

// Who emits the model: dense_decoder.cpp or bert_encoder.cpp.
enum class Block : uint8_t { decoder, bert };

enum class Presence : uint8_t { optional, required };

struct ArchitectureRow {
  std::string_view name;
  RopeStyle rope_style = RopeStyle::adjacent;
  GateKind gate = GateKind::silu;
  Presence qkv_bias = Presence::optional;
  bool has_qk_norm = false;       // RMS norm of every query and key head before rope
  bool has_post_norms = false;    // of each branch, inside the residual connection
  bool scales_embedding = false;  // token rows by sqrt(embedding length)
  bool has_soft_caps = false;     // honours attn_logit_softcapping and final_logit_softcapping
  // Sliding windows: every period-th layer is full, the others see attention.sliding_window tokens
  // and have their own rope base without scaling. 0: the architecture has none, a window in the
  // file is ignored.
  int64_t window_period = 0;
  double window_freq_base = 10000.0;  // 0: windowed layers have the rope of the others
  // The model of this many layers scales attention by embedding length / heads instead of the head
  // size; 0: none.
  int64_t wide_scale_layers = 0;
  Block block = Block::decoder;
  // Layer norm (with mean and bias) instead of RMS norm.
  bool has_layer_norms = false;
  // Every token sees the whole input, windows to both sides. Such a model has no vocabulary head.
  bool is_bidirectional = false;
  // Of models that have experts: how their router's logits become shares.
  ExpertGating expert_gating = ExpertGating::softmax;
  bool renormalizes_experts = false;
  // blk.N.attn_sinks: a logit per head that only joins the softmax's denominator.
  bool has_sinks = false;
  std::string_view feed_forward_norm = "ffn_norm";
  // Positions come from a table of vectors instead of rope.
  bool has_position_table = false;
};

// Null for a name that is not among them.
const ArchitectureRow* find_architecture(std::string_view name);
// "llama, qwen2, ..." for messages.
std::string architecture_names();

}  // namespace hearth::engine
