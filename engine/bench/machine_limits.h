// What this machine can do at most, measured by small loops: the yardstick of the benchmark.
#pragma once

#include <cstdint>

#include "engine/kernels/kernels.h"

namespace hearth::engine {

struct MachineLimits {
  // Reading a 256 MB buffer from memory, all threads, each its own part.
  double read_bytes_per_s = 0;
  // Multiplications and additions of the fastest prompt kernel of the table on a matrix and 32
  // columns that lie in the core's own cache: with int8 columns (Q8_0), and
  // with bf16 weights. This is what the kernels reach without waiting for memory,
  // not what the processor's data sheet says.
  double int8_ops_per_s = 0;
  double bf16_ops_per_s = 0;
};

// Takes about two seconds.
MachineLimits measure_limits(const KernelTable& kernels, int32_t threads);

}  // namespace hearth::engine
