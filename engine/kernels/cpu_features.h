// What this processor and its operating system let kernels use.
#pragma once

namespace hearth::engine {

struct CpuFeatures {
  bool avx2 = false;    // with FMA and F16C
  bool avx512 = false;  // F, BW, VL, DQ and VNNI, with registers the system saves
};

CpuFeatures cpu_features() noexcept;

}  // namespace hearth::engine
