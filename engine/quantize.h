// Writing a model again with weights of other types: what `create --quantize` does. A mixture names
// the types (mixture rows and their rules are in engine/quantize/); tensor data is read from the
// mapped source and written to a descriptor, one tensor at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "engine/tensor/dtype.h"

namespace hearth::engine {

class GgufFile;

// How a whole model is quantised. `base` is the type of matrices that no rule says otherwise about.
struct Mixture {
  std::string_view name;   // "Q4_K_M", as general.file_type is shown
  std::string_view alias;  // another name people use, empty when none
  int32_t file_type;       // value of general.file_type
  DType base;
};

// All of them, floats first.
std::span<const Mixture> mixtures();
// In any case, or by its alias; nullptr when there is none of that name.
const Mixture* find_mixture(std::string_view name);
// "F32, F16, BF16, ..." for messages.
std::string mixture_names();

// Bytes of the source done and in all. Called from the calling thread; false ends the work with
// Error{cancelled}.
using QuantizeProgress = std::function<bool(uint64_t done_bytes, uint64_t total_bytes)>;

// Writes `file` to `out_fd` as one GGUF file without parts, computing on `threads` threads (at
// least one). Without a mixture every tensor keeps its type: parts are joined. Tensors that are
// neither F32, F16 nor BF16 are copied where their type stays and are Error{invalid_argument} where
// it would change. Other errors: as reading the file, Error{invalid_argument} for values that are
// not finite, Error{out_of_memory} for a full disk.
void quantize_model(const GgufFile& file, const Mixture* mixture, int32_t threads, int out_fd,
                    const QuantizeProgress& progress = {});

}  // namespace hearth::engine
