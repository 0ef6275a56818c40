// Kernel table for x86-64 with AVX2, FMA and F16C. Everything but the table is in an anonymous
// namespace, so that no code made with this file's compiler flags can be called from elsewhere.
#include <immintrin.h>

#include "engine/kernels/isa/tables.h"

namespace hearth::engine {
namespace {
#include "engine/kernels/simd/avx2.inl"

#include "engine/kernels/avx2/word_products.inl"
#include "engine/kernels/ops/table.inl"
}  // namespace

const KernelTable avx2_table = make_table<WordProducts>(Isa::avx2, "avx2", &avx2_precise_table);
const KernelTable avx2_precise_table =
    make_table<PreciseProducts>(Isa::avx2, "avx2-precise", nullptr);

}  // namespace hearth::engine
