// The architectures hearth runs: one row per name that a GGUF file may give. Models differ in the
// columns; another order of operations is another file beside dense_decoder.cpp. A column names
// what the file cannot say: what its metadata and tensors tell is read from there.
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

// Where norms stand in a branch that is added to the residual stream.
enum class NormPlacement : uint8_t { before, after, around };

// Norms of queries and keys.
enum class QkNorm : uint8_t {
  none,
  heads,             // RMS of each head, one weight for all of them
  heads_after_rope,  // the same behind rope
  row,               // RMS of all heads together
  optional_layer,    // layer norm of each head with a weight of its own, where the file has it
};

// blk.N.ffn_*
enum class FeedForward : uint8_t {
  gated,  // activation(gate x) * up x
  fused,  // the same with both matrices in ffn_up, the gate's rows first
  plain,  // activation(up x)
};

// Whether attention and feed-forward read the same residual stream instead of one after the other.
enum class Parallel : uint8_t {
  no,
  yes,
  without_ffn_norm,  // where the file has no norm for the feed-forward
  as_key,            // as use_parallel_residual says
};

// Layers whose queries and keys are rotated.
enum class RopeLayers : uint8_t {
  all,
  none,
  not_every_fourth,
  windowed,
  finetuned,  // all, unless rope.scaling.finetuned is false
};

// What is done with logits by logit_scale.
enum class LogitScale : uint8_t { ignored, multiplies, divides };

struct ArchitectureRow {
  std::string_view name;
  RopeStyle rope_style = RopeStyle::adjacent;
  RopeLayers rope_layers = RopeLayers::all;
  NormKind norm = NormKind::rms;  // of the residual stream; layer norms may have a bias
  Presence norm_weight = Presence::required;
  NormPlacement norm_placement = NormPlacement::before;
  QkNorm qk_norm = QkNorm::none;
  Presence qkv_bias = Presence::optional;
  GateKind gate = GateKind::silu;
  FeedForward feed_forward = FeedForward::gated;
  std::string_view feed_forward_norm = "ffn_norm";
  Parallel parallel = Parallel::no;
  // Distances that lower scores (ALiBi) instead of rope: the bias where the file gives none; in the
  // model of this many layers only, 0: in all.
  double alibi_bias = 0;
  int64_t alibi_layers = 0;
  // Norms in front of attn_output and ffn_down.
  bool has_sub_norms = false;
  bool scales_embedding = false;  // token rows by sqrt(embedding length)
  LogitScale logit_scale = LogitScale::ignored;
  // embedding_scale, residual_scale and logit_scale: without them some models would run wrongly.
  Presence scales = Presence::optional;
  // attn_logit_softcapping and final_logit_softcapping are honoured; what holds without the keys.
  bool has_soft_caps = false;
  double attention_soft_cap = 0;
  double final_soft_cap = 0;
  // Sliding windows: every period-th layer is full, the others see attention.sliding_window tokens.
  // 0: the architecture has none, a window in the file is ignored.
  int64_t window_period = 0;
  int64_t window_default = 0;  // without the key; 0: no window then
  // Rope of windowed layers: its base, 0 for that of the others; with their scaling or without.
  double window_freq_base = 0;
  bool scales_window_rope = true;
  // The model of this many layers scales attention by embedding length / heads instead of the head
  // size; 0: none.
  int64_t wide_scale_layers = 0;
  // feed_forward_length counts gate and up together.
  bool halves_feed_forward = false;
  Block block = Block::decoder;
  // Every token sees the whole input, windows to both sides. Such a model has no vocabulary head.
  bool is_bidirectional = false;
  // Of models that have experts: how their router's logits become shares.
  ExpertGating expert_gating = ExpertGating::softmax;
  bool renormalizes_experts = false;
  // blk.N.attn_sinks: a logit per head that only joins the softmax's denominator.
  bool has_sinks = false;
  // Positions come from a table of vectors that is added to the token rows.
  bool has_position_table = false;
};

// All rows, in the order of the table.
std::span<const ArchitectureRow> architecture_rows();
// Null for a name that is not among them.
const ArchitectureRow* find_architecture(std::string_view name);
// "llama, qwen2, ..." for messages.
std::string architecture_names();

}  // namespace hearth::engine
