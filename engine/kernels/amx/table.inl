// What the table for AMX has of its own: the prompt role of its formats, and their columns.
#pragma once

#include "engine/kernels/amx/linear_bfloat.inl"
#include "engine/kernels/amx/linear_int8.inl"
#include "engine/kernels/formats/few_bits.inl"
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

// How a format's prompts are multiplied: as bytes, or in bf16 where these would coarsen the
// weights. Formats that are not named here keep the exact definition.
struct PromptKernel {
  DType type;
  LinearFn bytes;  // null: never
  LinearFn bfloats;
};

template <DType type, class Format>
constexpr PromptKernel block_prompt() {
  return {type, linear_int8<Format>, linear_bfloat<BlockSource<Format>>};
}
template <DType type, class Source>
constexpr PromptKernel fine_prompt() {
  return {type, nullptr, linear_bfloat<Source>};
}

constexpr PromptKernel prompt_kernels[] = {
    fine_prompt<DType::f16, HalfSource<true>>(),
    fine_prompt<DType::bf16, HalfSource<false>>(),
    fine_prompt<DType::q8_0, BlockSource<Q8_0>>(),
    block_prompt<DType::q6_k, Q6K>(),
    block_prompt<DType::q4_0, Q4_0>(),
    block_prompt<DType::q4_1, Q4_1>(),
    block_prompt<DType::q5_0, Q5_0>(),
    block_prompt<DType::q5_1, Q5_1>(),
    block_prompt<DType::q2_k, Q2K>(),
    block_prompt<DType::q3_k, Q3K>(),
    block_prompt<DType::q4_k, Q4K>(),
    block_prompt<DType::q5_k, Q5K>(),
    block_prompt<DType::iq1_s, CodebookFormat<Iq1S>>(),
    block_prompt<DType::iq1_m, CodebookFormat<Iq1M>>(),
    block_prompt<DType::iq2_xxs, CodebookFormat<Iq2Xxs>>(),
    block_prompt<DType::iq2_xs, CodebookFormat<Iq2Xs>>(),
    block_prompt<DType::iq2_s, CodebookFormat<Iq2S>>(),
    block_prompt<DType::iq3_xxs, CodebookFormat<Iq3Xxs>>(),
    block_prompt<DType::iq3_s, CodebookFormat<Iq3S>>(),
    block_prompt<DType::iq4_nl, Iq4Nl>(),
    block_prompt<DType::iq4_xs, Iq4Xs>(),
    block_prompt<DType::mxfp4, Mxfp4>(),
    block_prompt<DType::nvfp4, Nvfp4>(),
    block_prompt<DType::tq1_0, Tq1_0>(),
    block_prompt<DType::tq2_0, Tq2_0>(),
    block_prompt<DType::q2_0, Q2_0>(),
    block_prompt<DType::q1_0, Q1_0>(),
};

inline int64_t amx_column_bytes(ColumnKind kind, int64_t width) noexcept {
  if (kind == ColumnKind::q8_guarded) return guarded_column_bytes(width);
  if (kind == ColumnKind::bf16) return bfloat_column_bytes(width);
  return avx512_table.column_bytes(kind, width);
}

inline void amx_prepare_column(ColumnKind kind, const float* x, int64_t width,
                               void* column) noexcept {
  if (kind == ColumnKind::q8_guarded) {
    quantize_guarded(x, width, column);
  } else if (kind == ColumnKind::bf16) {
    round_to_bfloats(x, width, column);
  } else {
    avx512_table.prepare_column(kind, x, width, column);
  }
}

constexpr int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

//   usual    bytes where a format has them
//   fine     prompts in bf16
//   precise  and answers in floats
enum class Precision { usual, fine, precise };

// The formats of AVX-512, those with a prompt or a decode kernel of their own on it.
struct AmxFormats {
  static constexpr int32_t count_max = 64;
  FormatKernels rows[count_max];
  int32_t count = 0;

  explicit AmxFormats(Precision precision) {
    const bool is_precise = precision == Precision::precise;
    const KernelTable& vectors = is_precise ? avx512_precise_table : avx512_table;
    for (; count < vectors.format_count && count < count_max; ++count) {
      rows[count] = vectors.formats[count];
      const LinearFn decode = is_precise ? nullptr : amx_decode(rows[count].type);
      if (decode != nullptr) rows[count].decode = decode;
      for (const PromptKernel& kernel : prompt_kernels) {
        if (kernel.type != rows[count].type) continue;
        const bool as_bytes = kernel.bytes != nullptr && precision == Precision::usual;
        rows[count].prompt = as_bytes ? kernel.bytes : kernel.bfloats;
        rows[count].prompt_column = as_bytes ? ColumnKind::q8_guarded : ColumnKind::bf16;
      }
    }
  }
};
