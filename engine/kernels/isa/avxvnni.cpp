// Kernel table for x86-64 with AVX2, FMA, F16C and AVX-VNNI: processors whose cores have the dot
// products of bytes but no AVX-512. Everything but the table is in an anonymous namespace, so that
// no code made with this file's compiler flags can be called from elsewhere.
#include <immintrin.h>

#include "engine/kernels/isa/tables.h"

namespace hearth::engine {
namespace {
#include "engine/kernels/simd/avx2.inl"

#include "engine/kernels/ops/table.inl"
}  // namespace

const KernelTable avxvnni_table = make_table(Isa::avxvnni, "avxvnni", &avx2_precise_table);

}  // namespace hearth::engine
