// The tables, one per file in this folder, and the functions they share. Only dispatch.cpp chooses
// among them.
#pragma once

#include "engine/kernels/kernels.h"
#include "engine/kernels/q8_block.h"
#include "engine/tensor/blocks.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/half.h"

namespace hearth::engine {

extern const KernelTable scalar_table;
extern const KernelTable avx2_table;
extern const KernelTable avx512_table;

// Rows for embedding look-ups, by tensor/codec.h: too few to be worth a kernel.
using GetRowFn = void (*)(const void* row, int64_t width, float* out) noexcept;
void get_row_f32(const void* row, int64_t width, float* out) noexcept;
void get_row_f16(const void* row, int64_t width, float* out) noexcept;
void get_row_bf16(const void* row, int64_t width, float* out) noexcept;
void get_row_q8_0(const void* row, int64_t width, float* out) noexcept;
void get_row_q4_0(const void* row, int64_t width, float* out) noexcept;
void get_row_q4_k(const void* row, int64_t width, float* out) noexcept;
void get_row_q5_k(const void* row, int64_t width, float* out) noexcept;
void get_row_q6_k(const void* row, int64_t width, float* out) noexcept;

}  // namespace hearth::engine
