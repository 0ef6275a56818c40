// Which kernel tables this machine can run.
#include <cstring>

#include "engine/kernels/cpu_features.h"
#include "engine/kernels/isa/tables.h"

namespace hearth::engine {

KernelTables available_kernels() noexcept {
  KernelTables result{};
  result.tables[result.count++] = &scalar_table;
#if defined(__x86_64__)
  const CpuFeatures features = cpu_features();
  if (features.avx2) result.tables[result.count++] = &avx2_table;
  if (features.avx_vnni) result.tables[result.count++] = &avxvnni_table;
  if (features.avx512) result.tables[result.count++] = &avx512_table;
  if (features.amx) result.tables[result.count++] = &amx_table();
#elif defined(__aarch64__)
  const CpuFeatures features = cpu_features();
  if (features.neon) result.tables[result.count++] = &neon_table;
  if (features.dotprod) result.tables[result.count++] = &dotprod_table;
  if (features.i8mm) result.tables[result.count++] = &i8mm_table;
#endif
  return result;
}

const KernelTable* find_kernels(const char* name) noexcept {
  const KernelTables available = available_kernels();
  if (*name == '\0') return available.tables[available.count - 1];
  for (int32_t i = 0; i < available.count; ++i) {
    const KernelTable* table = available.tables[i];
    if (std::strcmp(table->name, name) == 0) return table;
    for (const KernelTable* other : {table->precise, table->fine}) {
      if (other != nullptr && std::strcmp(other->name, name) == 0) return other;
    }
  }
  return nullptr;
}

const KernelTable* find_kernels(const char* name, bool is_precise) noexcept {
  const KernelTable* table = find_kernels(name);
  const bool has_another = table != nullptr && is_precise && table->precise != nullptr;
  return has_another ? table->precise : table;
}

const FormatKernels* find_format(const KernelTable& table, DType type) noexcept {
  for (int32_t i = 0; i < table.format_count; ++i) {
    if (table.formats[i].type == type) return &table.formats[i];
  }
  return nullptr;
}

}  // namespace hearth::engine
