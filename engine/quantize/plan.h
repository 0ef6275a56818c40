// What a mixture makes of the tensors of one file. Private to quantize.
#pragma once

#include <vector>

#include "engine/gguf/reader.h"
#include "engine/quantize.h"

namespace hearth::engine {

// A type per tensor, in the order of the file; without a mixture the one it has. Throws
// Error{invalid_argument} for a tensor that would have to change and is quantised already.
std::vector<DType> plan_types(const GgufFile& file, const Mixture* mixture);

}  // namespace hearth::engine
