// The body of a kernel table: included once per instruction set, after its vocabulary, in an
// anonymous namespace.
#pragma once

#include "engine/kernels/formats/few_bits.inl"
#include "engine/kernels/formats/floats.inl"
#include "engine/kernels/formats/fp4.inl"
#include "engine/kernels/formats/iq1.inl"
#include "engine/kernels/formats/iq2.inl"
#include "engine/kernels/formats/iq3.inl"
#include "engine/kernels/formats/iq4.inl"
#include "engine/kernels/formats/q2_k.inl"
#include "engine/kernels/formats/q3_k.inl"
#include "engine/kernels/formats/q4_0.inl"
#include "engine/kernels/formats/q4_1.inl"
#include "engine/kernels/formats/q4_k.inl"
#include "engine/kernels/formats/q5.inl"
#include "engine/kernels/formats/q5_k.inl"
#include "engine/kernels/formats/q6_k.inl"
#include "engine/kernels/formats/q8_0.inl"
#include "engine/kernels/ops/attention.inl"
#include "engine/kernels/ops/cache_page.inl"
#include "engine/kernels/ops/elementwise.inl"
#include "engine/kernels/ops/linear_blocks.inl"
#include "engine/kernels/ops/linear_float.inl"
#include "engine/kernels/ops/linear_precise.inl"
#include "engine/kernels/ops/pack.inl"
#include "engine/kernels/ops/quantize.inl"

// In the place of a class like VectorProducts: weights and columns are multiplied as floats.
struct PreciseProducts {};

template <class Products, class Format>
struct BlockKernel {
  static constexpr ColumnKind column = ColumnKind::q8;
  static constexpr LinearFn linear = linear_blocks_with<Products, Format>;
};
template <class Format>
struct BlockKernel<PreciseProducts, Format> {
  static constexpr ColumnKind column = ColumnKind::f32;
  static constexpr LinearFn linear = linear_precise<Format>;
};

template <class Products, DType type, class Format>
constexpr FormatKernels block_format() {
  using Kernel = BlockKernel<Products, Format>;
  return {
      .type = type,
      .column = Kernel::column,
      .prompt_column = Kernel::column,
      .decode = Kernel::linear,
      .prompt = Kernel::linear,
      .get_row = get_row<type>,
      .pack = pack_tiles<Format>,
      .get_tile_row = get_tile_row<type, typename Format::Block>,
  };
}
template <DType type, class Weights>
constexpr FormatKernels float_format() {
  return {
      .type = type,
      .column = ColumnKind::f32,
      .prompt_column = ColumnKind::f32,
      .decode = linear_float<Weights>,
      .prompt = linear_float<Weights>,
      .get_row = get_row<type>,
      .pack = nullptr,
      .get_tile_row = nullptr,
  };
}

// Rows whose panels are multiplied by `Products` (VectorProducts in ops/linear_blocks.inl).
template <class Products>
constexpr FormatKernels formats[] = {
    float_format<DType::f32, F32Weights>(),
    float_format<DType::f16, F16Weights>(),
    float_format<DType::bf16, BF16Weights>(),
    block_format<Products, DType::q8_0, Q8_0>(),
    block_format<Products, DType::q4_0, Q4_0>(),
    block_format<Products, DType::q4_1, Q4_1>(),
    block_format<Products, DType::q5_0, Q5_0>(),
    block_format<Products, DType::q5_1, Q5_1>(),
    block_format<Products, DType::q2_k, Q2K>(),
    block_format<Products, DType::q3_k, Q3K>(),
    block_format<Products, DType::q4_k, Q4K>(),
    block_format<Products, DType::q5_k, Q5K>(),
    block_format<Products, DType::q6_k, Q6K>(),
    block_format<Products, DType::iq1_s, CodebookFormat<Iq1S>>(),
    block_format<Products, DType::iq1_m, CodebookFormat<Iq1M>>(),
    block_format<Products, DType::iq2_xxs, CodebookFormat<Iq2Xxs>>(),
    block_format<Products, DType::iq2_xs, CodebookFormat<Iq2Xs>>(),
    block_format<Products, DType::iq2_s, CodebookFormat<Iq2S>>(),
    block_format<Products, DType::iq3_xxs, CodebookFormat<Iq3Xxs>>(),
    block_format<Products, DType::iq3_s, CodebookFormat<Iq3S>>(),
    block_format<Products, DType::iq4_nl, Iq4Nl>(),
    block_format<Products, DType::iq4_xs, Iq4Xs>(),
    block_format<Products, DType::mxfp4, Mxfp4>(),
    block_format<Products, DType::nvfp4, Nvfp4>(),
    block_format<Products, DType::tq1_0, Tq1_0>(),
    block_format<Products, DType::tq2_0, Tq2_0>(),
    block_format<Products, DType::q2_0, Q2_0>(),
    block_format<Products, DType::q1_0, Q1_0>(),
};

// `precise` is null for a table that is precise itself.
template <class Products = VectorProducts>
constexpr KernelTable make_table(Isa isa, const char* name, const KernelTable* precise) {
  return {
      .isa = isa,
      .name = name,
      .roles_agree = true,
      .fine = nullptr,
      .precise = precise,
      .formats = formats<Products>,
      .format_count = static_cast<int32_t>(sizeof(formats<Products>) / sizeof(FormatKernels)),
      .linear_scratch_bytes = static_cast<int64_t>(sizeof(PreciseScratch)),
      .attention_scratch_bytes = static_cast<int64_t>(sizeof(AttentionScratch)),
      .column_bytes = column_bytes,
      .prepare_column = prepare_column,
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
      .attention_prompt = nullptr,
      .prompt_query_rows = 0,
      .attention_merge = attention_merge,
  };
}
