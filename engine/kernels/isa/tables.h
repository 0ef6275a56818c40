// The tables, one per file in this folder, and the functions they share. Only dispatch.cpp chooses
// among them.
#pragma once

#include <cstddef>

#include "engine/kernels/kernels.h"
#include "engine/kernels/q8_block.h"
#include "engine/tensor/blocks.h"
#include "engine/tensor/blocks_few_bits.h"
#include "engine/tensor/blocks_iq.h"
#include "engine/tensor/codebooks.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/half.h"

namespace hearth::engine {

extern const KernelTable scalar_table;
extern const KernelTable scalar_precise_table;
extern const KernelTable avx2_table;
extern const KernelTable avx2_precise_table;
extern const KernelTable avxvnni_table;
extern const KernelTable avx512_table;
extern const KernelTable avx512_precise_table;
extern const KernelTable neon_table;
extern const KernelTable neon_precise_table;
extern const KernelTable dotprod_table;
extern const KernelTable i8mm_table;
// That of AVX-512 with its prompt role on the tile unit.
const KernelTable& amx_table() noexcept;
// The same with all prompts in bf16; and that with answers in floats.
const KernelTable& amx_fine_table() noexcept;
const KernelTable& amx_precise_table() noexcept;
// The decode role on the tile unit, null for formats that gain nothing; and its scratch memory.
LinearFn amx_decode(DType type) noexcept;
int64_t amx_decode_scratch_bytes() noexcept;

// Rows for embedding look-ups, by tensor/codec.h: too few to be worth a kernel.
// Every format of the tables has one (get_row.cpp).
template <DType type>
void get_row(const void* row, int64_t width, float* out) noexcept;
template <DType type, class Block>
void get_tile_row(const void* tiles, int64_t row, int64_t width, float* out) noexcept;

}  // namespace hearth::engine
