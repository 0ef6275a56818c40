// Moves the matrices of a bound model out of the mapped file into memory of its own: in tiles where
// the kernels have them for the type (FormatKernels::pack), else as rows, either way in large pages
// (docs/tape.md). Tables that are only looked up stay in the mapped file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/backend/huge_memory.h"
#include "engine/gguf/reader.h"
#include "engine/kernels/kernels.h"
#include "engine/tape/tape.h"

namespace hearth::engine {

// Where the matrices of a model are.
struct WeightPlacement {
  int64_t tile_bytes = 0;
  int64_t row_bytes = 0;     // copied as rows
  int64_t mapped_bytes = 0;  // used in the mapped file
  std::string why_mapped;    // why none was moved; empty where some were

  std::string text() const;  // "0.80 GB in tiles, 0.02 GB mapped"
};

struct PlacementOptions {
  const KernelTable* kernels = nullptr;
  int32_t threads = 1;
  int64_t memory_max = 0;  // that the matrices may take; less than they need: they stay mapped
};

// Reads every byte that a step reads once, with all threads: what is moved from the file into
// `memory`, which must outlive the tape, the rest through the mapping. Takes no more than 64 MiB
// beside the weights. `progress` (0..1, on the calling thread) may be empty; returning false
// cancels. Throws Error{cancelled | out_of_memory} and as GgufFile::read.
WeightPlacement place_weights(const GgufFile& file, const PlacementOptions& options,
                              const std::function<bool(double)>& progress, Tape& tape,
                              HugeMemory& memory);

}  // namespace hearth::engine
