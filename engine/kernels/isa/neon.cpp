// Kernel table for 64-bit ARM processors of any age. Everything but the table is in an anonymous
// namespace, so that no code made with this file's compiler flags can be called from elsewhere.
#include <arm_neon.h>

#include "engine/kernels/isa/tables.h"

namespace hearth::engine {
namespace {
#include "engine/kernels/simd/neon.inl"

#include "engine/kernels/ops/table.inl"
}  // namespace

const KernelTable neon_table = make_table(Isa::neon, "neon", &neon_precise_table);
const KernelTable neon_precise_table =
    make_table<PreciseProducts>(Isa::neon, "neon-precise", nullptr);

}  // namespace hearth::engine
