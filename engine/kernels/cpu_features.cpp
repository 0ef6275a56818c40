// Asks an x86-64 processor (cpuid) what it has and the system (xgetbv) which registers it saves; on
// ARM the system knows both (getauxval).
#include "engine/kernels/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace hearth::engine {

#if defined(__x86_64__)
namespace {

bool has(uint32_t reg, int bit) {
  return (reg >> bit & 1) != 0;
}

uint64_t saved_registers() {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

// Tile registers are saved only for processes that asked.
bool may_use_tiles() {
#if defined(__linux__)
  constexpr long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long tile_data = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}

CpuFeatures ask_processor() {
  CpuFeatures features;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return features;
  const bool fma = has(c, 12);
  const bool f16c = has(c, 29);
  const bool avx = has(c, 27) && has(c, 28);  // OSXSAVE, AVX
  if (!avx || !fma || !f16c) return features;
  const uint64_t saved = saved_registers();
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return features;
  features.avx2 = (saved & 0x6) == 0x6 && has(b, 5);
  const bool f_dq_bw_vl = has(b, 16) && has(b, 17) && has(b, 30) && has(b, 31);
  features.avx512 = features.avx2 && (saved & 0xe6) == 0xe6 && f_dq_bw_vl && has(c, 11);
  const bool tiles = has(d, 22) && has(d, 24) && has(d, 25);  // bf16, tiles, int8
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) == 0) return features;
  features.avx_vnni = features.avx2 && has(a, 4);
  const bool bfloats = has(a, 5);
  features.amx =
      features.avx512 && tiles && bfloats && (saved & 0x60000) == 0x60000 && may_use_tiles();
  return features;
}

}  // namespace

CpuFeatures cpu_features() noexcept {
  static const CpuFeatures features = ask_processor();
  return features;
}
#elif defined(__aarch64__)
CpuFeatures cpu_features() noexcept {
  CpuFeatures features;
  features.neon = true;
#if defined(__linux__)
  constexpr unsigned long dotprod = 1UL << 20;  // HWCAP_ASIMDDP
  constexpr unsigned long i8mm = 1UL << 13;     // HWCAP2_I8MM
  features.dotprod = (getauxval(AT_HWCAP) & dotprod) != 0;
  features.i8mm = features.dotprod && (getauxval(AT_HWCAP2) & i8mm) != 0;
#endif
  return features;
}
#else
CpuFeatures cpu_features() noexcept {
  return {};
}
#endif

}  // namespace hearth::engine
