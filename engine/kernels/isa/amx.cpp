// Kernel table for x86-64 with AMX int8 and bf16: that of AVX-512, with the prompt role on the tile
// unit. Everything but the table is in an anonymous namespace, so that no code made with this
// file's compiler flags can be called from elsewhere.
#include <immintrin.h>

#include "engine/kernels/isa/tables.h"

namespace hearth::engine {
namespace {

KernelTable make_amx_table() {
  KernelTable table = avx512_table;
  table.isa = Isa::amx;
  table.name = "amx";
  return table;
}

}  // namespace

const KernelTable& amx_table() noexcept {
  static const KernelTable table = make_amx_table();
  return table;
}

}  // namespace hearth::engine
