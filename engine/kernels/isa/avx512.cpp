// Kernel table for x86-64 with AVX-512 F, BW, VL, DQ and VNNI. Everything but the table is in an
// anonymous namespace, so that no code made with this file's compiler flags can be called from
// elsewhere.
#include <immintrin.h>

#include "engine/kernels/isa/tables.h"

namespace hearth::engine {
namespace {
#include "engine/kernels/simd/avx512.inl"

#include "engine/kernels/ops/table.inl"
}  // namespace

const KernelTable avx512_table = make_table(Isa::avx512, "avx512", &avx512_precise_table);
const KernelTable avx512_precise_table =
    make_table<PreciseProducts>(Isa::avx512, "avx512-precise", nullptr);

}  // namespace hearth::engine
