// What this processor and its operating system let kernels use.
#pragma once

namespace hearth::engine {

struct CpuFeatures {
  bool avx2 = false;      // with FMA and F16C
  bool avx_vnni = false;  // AVX2 and the dot products of bytes that need no AVX-512
  bool avx512 = false;    // F, BW, VL, DQ and VNNI, with registers the system saves
  bool amx = false;   // AVX-512 and its bf16, AMX int8 and bf16, and the system lets us use tiles
  bool neon = false;  // 64-bit ARM
  bool dotprod = false;  // and its dot products of bytes
  bool i8mm = false;     // and its products of matrices of bytes
};

// The first call asks the system for the use of tiles, which holds for threads started later: make
// it before any thread starts and before system calls are restricted.
CpuFeatures cpu_features() noexcept;

}  // namespace hearth::engine
