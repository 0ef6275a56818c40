// Kernel table for ARM processors that multiply matrices of bytes (SMMLA, the extension i8mm of
// Armv8.6 and of some before). Everything but the table is in an anonymous namespace, so that no
// code made with this file's compiler flags can be called from elsewhere.
#include <arm_neon.h>

#include "engine/kernels/isa/tables.h"

namespace hearth::engine {
namespace {
#include "engine/kernels/simd/neon.inl"

#include "engine/kernels/neon/matrix_products.inl"
#include "engine/kernels/ops/table.inl"
}  // namespace

const KernelTable i8mm_table = make_table<MatrixProducts>(Isa::i8mm, "i8mm", &neon_precise_table);

}  // namespace hearth::engine
