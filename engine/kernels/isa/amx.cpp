// Kernel table for x86-64 with AMX int8 and bf16: that of AVX-512, with the prompt role and the
// decoding of many columns (amx_decode.cpp) on the tile unit. Everything but the table is in an
// anonymous namespace, so that no code made with this file's compiler flags can be called from
// elsewhere.
#include <immintrin.h>

#include "engine/kernels/isa/tables.h"

namespace hearth::engine {
namespace {
#include "engine/kernels/simd/avx512.inl"

#include "engine/kernels/amx/attention.inl"
#include "engine/kernels/amx/table.inl"

KernelTable make_amx_table(const char* name, const AmxFormats& formats, const KernelTable* fine,
                           const KernelTable* precise) {
  KernelTable table = avx512_table;
  table.isa = Isa::amx;
  table.name = name;
  table.roles_agree = false;
  table.fine = fine;
  table.precise = precise;
  table.formats = formats.rows;
  table.format_count = formats.count;
  table.linear_scratch_bytes =
      larger(larger(table.linear_scratch_bytes, amx_decode_scratch_bytes()),
             larger(sizeof(Int8Scratch), sizeof(BfloatScratch)));
  table.column_bytes = amx_column_bytes;
  table.prepare_column = amx_prepare_column;
  table.attention_scratch_bytes = larger(table.attention_scratch_bytes, sizeof(PromptScratch));
  table.prompt_query_rows = prompt_query_rows;
  table.attention_prompt = attention_prompt;
  return table;
}

}  // namespace

const KernelTable& amx_fine_table() noexcept {
  static const AmxFormats formats(Precision::fine);
  static const KernelTable table = make_amx_table("amx-fine", formats, nullptr, nullptr);
  return table;
}

const KernelTable& amx_precise_table() noexcept {
  static const AmxFormats formats(Precision::precise);
  static const KernelTable table = make_amx_table("amx-precise", formats, nullptr, nullptr);
  return table;
}

const KernelTable& amx_table() noexcept {
  static const AmxFormats formats(Precision::usual);
  static const KernelTable table =
      make_amx_table("amx", formats, &amx_fine_table(), &amx_precise_table());
  return table;
}

}  // namespace hearth::engine
