// Kernel table for plain C++, for any machine. Everything but the table is in an anonymous
// namespace, so that no code made with this file's compiler flags can be called from elsewhere.
#include "engine/kernels/isa/tables.h"

namespace hearth::engine {
namespace {
#include "engine/kernels/simd/scalar.inl"

#include "engine/kernels/ops/table.inl"
}  // namespace

const KernelTable scalar_table = make_table(Isa::scalar, "scalar", &scalar_precise_table);
const KernelTable scalar_precise_table =
    make_table<PreciseProducts>(Isa::scalar, "scalar-precise", nullptr);

}  // namespace hearth::engine
