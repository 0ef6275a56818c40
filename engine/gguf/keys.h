// Every metadata key hearth uses, written once. Keys of an architecture are
// "<architecture>.<suffix>": arch_key().
#pragma once

#include <string>
#include <string_view>

namespace hearth::engine {

inline std::string arch_key(std::string_view architecture, std::string_view suffix) {
  return std::string(architecture).append(".").append(suffix);
}

inline constexpr std::string_view key_architecture = "general.architecture";
inline constexpr std::string_view key_type = "general.type";
inline constexpr std::string_view key_name = "general.name";
inline constexpr std::string_view key_basename = "general.basename";
inline constexpr std::string_view key_size_label = "general.size_label";
inline constexpr std::string_view key_license = "general.license";
inline constexpr std::string_view key_tags = "general.tags";
inline constexpr std::string_view key_file_type = "general.file_type";
inline constexpr std::string_view key_quantization_version = "general.quantization_version";
inline constexpr std::string_view key_parameter_count = "general.parameter_count";
inline constexpr std::string_view key_alignment = "general.alignment";

inline constexpr std::string_view key_split_no = "split.no";
inline constexpr std::string_view key_split_count = "split.count";
inline constexpr std::string_view key_split_tensors_count = "split.tensors.count";

inline constexpr std::string_view key_adapter_type = "adapter.type";
inline constexpr std::string_view key_adapter_lora_alpha = "adapter.lora.alpha";

inline constexpr std::string_view key_tokenizer_model = "tokenizer.ggml.model";
inline constexpr std::string_view key_tokenizer_pre = "tokenizer.ggml.pre";
inline constexpr std::string_view key_tokenizer_tokens = "tokenizer.ggml.tokens";
inline constexpr std::string_view key_tokenizer_scores = "tokenizer.ggml.scores";
inline constexpr std::string_view key_tokenizer_token_type = "tokenizer.ggml.token_type";
inline constexpr std::string_view key_tokenizer_merges = "tokenizer.ggml.merges";
inline constexpr std::string_view key_tokenizer_bos_id = "tokenizer.ggml.bos_token_id";
inline constexpr std::string_view key_tokenizer_eos_id = "tokenizer.ggml.eos_token_id";
inline constexpr std::string_view key_tokenizer_eot_id = "tokenizer.ggml.eot_token_id";
inline constexpr std::string_view key_tokenizer_eom_id = "tokenizer.ggml.eom_token_id";
inline constexpr std::string_view key_tokenizer_unknown_id = "tokenizer.ggml.unknown_token_id";
// The format spells it this way.
inline constexpr std::string_view key_tokenizer_separator_id = "tokenizer.ggml.seperator_token_id";
inline constexpr std::string_view key_tokenizer_padding_id = "tokenizer.ggml.padding_token_id";
inline constexpr std::string_view key_tokenizer_cls_id = "tokenizer.ggml.cls_token_id";
inline constexpr std::string_view key_tokenizer_mask_id = "tokenizer.ggml.mask_token_id";
inline constexpr std::string_view key_tokenizer_fim_pre_id = "tokenizer.ggml.fim_pre_token_id";
inline constexpr std::string_view key_tokenizer_fim_suf_id = "tokenizer.ggml.fim_suf_token_id";
inline constexpr std::string_view key_tokenizer_fim_mid_id = "tokenizer.ggml.fim_mid_token_id";
inline constexpr std::string_view key_tokenizer_fim_pad_id = "tokenizer.ggml.fim_pad_token_id";
inline constexpr std::string_view key_tokenizer_fim_rep_id = "tokenizer.ggml.fim_rep_token_id";
inline constexpr std::string_view key_tokenizer_fim_sep_id = "tokenizer.ggml.fim_sep_token_id";
inline constexpr std::string_view key_tokenizer_add_bos = "tokenizer.ggml.add_bos_token";
inline constexpr std::string_view key_tokenizer_add_eos = "tokenizer.ggml.add_eos_token";
inline constexpr std::string_view key_tokenizer_add_sep = "tokenizer.ggml.add_sep_token";
inline constexpr std::string_view key_tokenizer_add_space_prefix =
    "tokenizer.ggml.add_space_prefix";
inline constexpr std::string_view key_tokenizer_remove_extra_whitespaces =
    "tokenizer.ggml.remove_extra_whitespaces";
inline constexpr std::string_view key_tokenizer_precompiled_charsmap =
    "tokenizer.ggml.precompiled_charsmap";
inline constexpr std::string_view key_chat_template = "tokenizer.chat_template";
// Names of further templates, each under "tokenizer.chat_template.<name>".
inline constexpr std::string_view key_chat_templates = "tokenizer.chat_templates";

// Suffixes for arch_key().
inline constexpr std::string_view suffix_block_count = "block_count";
inline constexpr std::string_view suffix_context_length = "context_length";
inline constexpr std::string_view suffix_embedding_length = "embedding_length";
inline constexpr std::string_view suffix_feed_forward_length = "feed_forward_length";
inline constexpr std::string_view suffix_vocab_size = "vocab_size";
inline constexpr std::string_view suffix_pooling_type = "pooling_type";
inline constexpr std::string_view suffix_head_count = "attention.head_count";
inline constexpr std::string_view suffix_head_count_kv = "attention.head_count_kv";
inline constexpr std::string_view suffix_key_length = "attention.key_length";
inline constexpr std::string_view suffix_value_length = "attention.value_length";
inline constexpr std::string_view suffix_key_length_swa = "attention.key_length_swa";
inline constexpr std::string_view suffix_value_length_swa = "attention.value_length_swa";
inline constexpr std::string_view suffix_rms_epsilon = "attention.layer_norm_rms_epsilon";
inline constexpr std::string_view suffix_norm_epsilon = "attention.layer_norm_epsilon";
inline constexpr std::string_view suffix_attention_scale = "attention.scale";
inline constexpr std::string_view suffix_attention_causal = "attention.causal";
inline constexpr std::string_view suffix_attention_alibi_bias = "attention.max_alibi_bias";
inline constexpr std::string_view suffix_attention_clamp = "attention.clamp_kqv";
inline constexpr std::string_view suffix_attention_temperature_scale =
    "attention.temperature_scale";
inline constexpr std::string_view suffix_parallel_residual = "use_parallel_residual";
inline constexpr std::string_view suffix_sliding_window = "attention.sliding_window";
inline constexpr std::string_view suffix_sliding_window_pattern =
    "attention.sliding_window_pattern";
inline constexpr std::string_view suffix_attention_softcap = "attn_logit_softcapping";
inline constexpr std::string_view suffix_final_softcap = "final_logit_softcapping";
inline constexpr std::string_view suffix_logit_scale = "logit_scale";
inline constexpr std::string_view suffix_residual_scale = "residual_scale";
inline constexpr std::string_view suffix_embedding_scale = "embedding_scale";
inline constexpr std::string_view suffix_rope_dimension_count = "rope.dimension_count";
inline constexpr std::string_view suffix_rope_freq_base = "rope.freq_base";
inline constexpr std::string_view suffix_rope_freq_base_swa = "rope.freq_base_swa";
inline constexpr std::string_view suffix_rope_scale_linear = "rope.scale_linear";
inline constexpr std::string_view suffix_rope_scaling_type = "rope.scaling.type";
inline constexpr std::string_view suffix_rope_scaling_factor = "rope.scaling.factor";
inline constexpr std::string_view suffix_rope_scaling_original_context =
    "rope.scaling.original_context_length";
inline constexpr std::string_view suffix_rope_scaling_attn_factor = "rope.scaling.attn_factor";
inline constexpr std::string_view suffix_rope_scaling_finetuned = "rope.scaling.finetuned";
inline constexpr std::string_view suffix_rope_yarn_log_multiplier =
    "rope.scaling.yarn_log_multiplier";
inline constexpr std::string_view suffix_rope_yarn_beta_fast = "rope.scaling.yarn_beta_fast";
inline constexpr std::string_view suffix_rope_yarn_beta_slow = "rope.scaling.yarn_beta_slow";
inline constexpr std::string_view suffix_rope_yarn_ext_factor = "rope.scaling.yarn_ext_factor";
inline constexpr std::string_view suffix_expert_count = "expert_count";
inline constexpr std::string_view suffix_expert_used_count = "expert_used_count";
inline constexpr std::string_view suffix_expert_feed_forward_length = "expert_feed_forward_length";
inline constexpr std::string_view suffix_expert_shared_feed_forward_length =
    "expert_shared_feed_forward_length";

}  // namespace hearth::engine
