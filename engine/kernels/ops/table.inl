// The body of a kernel table: included once per instruction set, after its vocabulary, in an
// anonymous namespace.
#pragma once

#include "engine/kernels/formats/floats.inl"
#include "engine/kernels/formats/q4_0.inl"
#include "engine/kernels/formats/q4_k.inl"
#include "engine/kernels/formats/q5_k.inl"
#include "engine/kernels/formats/q6_k.inl"
#include "engine/kernels/formats/q8_0.inl"
#include "engine/kernels/ops/attention.inl"
#include "engine/kernels/ops/elementwise.inl"
#include "engine/kernels/ops/linear_blocks.inl"
#include "engine/kernels/ops/linear_float.inl"
#include "engine/kernels/ops/quantize.inl"

template <class Format>
constexpr FormatKernels block_format(DType type, GetRowFn rows) {
  return {type, ColumnKind::q8, linear_blocks<Format>, linear_blocks<Format>, rows, nullptr};
}
template <class Weights>
constexpr FormatKernels float_format(DType type, GetRowFn rows) {
  return {type, ColumnKind::f32, linear_float<Weights>, linear_float<Weights>, rows, nullptr};
}

constexpr FormatKernels formats[] = {
    float_format<F32Weights>(DType::f32, get_row_f32),
    float_format<F16Weights>(DType::f16, get_row_f16),
    float_format<BF16Weights>(DType::bf16, get_row_bf16),
    block_format<Q8_0>(DType::q8_0, get_row_q8_0),
    block_format<Q4_0>(DType::q4_0, get_row_q4_0),
    block_format<Q4K>(DType::q4_k, get_row_q4_k),
    block_format<Q5K>(DType::q5_k, get_row_q5_k),
    block_format<Q6K>(DType::q6_k, get_row_q6_k),
};

constexpr KernelTable make_table(Isa isa, const char* name) {
  return {
      .isa = isa,
      .name = name,
      .roles_agree = true,
      .formats = formats,
      .format_count = static_cast<int32_t>(sizeof(formats) / sizeof(formats[0])),
      .linear_scratch_bytes = static_cast<int64_t>(sizeof(LinearScratch)),
      .attention_scratch_bytes = static_cast<int64_t>(sizeof(AttentionScratch)),
      .q8_column_bytes = q8_column_bytes,
      .quantize = quantize,
      .rms_norm = rms_norm,
      .layer_norm = layer_norm,
      .rope = rope,
      .gate = gate,
      .add = add_values,
      .add_scaled = add_scaled,
      .softmax = softmax,
      .scale = scale_values,
      .soft_cap = soft_cap_values,
      .kv_head_bytes = kv_head_bytes,
      .store_kv = store_kv,
      .attention_segment = attention_segment,
      .attention_merge = attention_merge,
  };
}
