// Kernel table for ARM processors with the dot products of bytes (SDOT, Armv8.2 and later).
// Everything but the table is in an anonymous namespace, so that no code made with this file's
// compiler flags can be called from elsewhere.
#include <arm_neon.h>

#include "engine/kernels/isa/tables.h"

namespace hearth::engine {
namespace {
#include "engine/kernels/simd/neon.inl"

#include "engine/kernels/neon/dot_products.inl"
#include "engine/kernels/ops/table.inl"
}  // namespace

const KernelTable dotprod_table =
    make_table<DotProducts>(Isa::dotprod, "dotprod", &neon_precise_table);

}  // namespace hearth::engine
