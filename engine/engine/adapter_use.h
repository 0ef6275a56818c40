// Which loaded adapter a request uses, from the numbers it gives.
#pragma once

#include <cstdint>

namespace hearth::engine {

// As SequenceSpan names it.
struct AdapterUse {
  int32_t number = -1;
  float scale = 1.0F;
};

// `wanted` as GenerationRequest::adapter. Throws Error{invalid_argument} for an adapter that is not
// among the `count` loaded ones and for a scale that is no finite number.
AdapterUse adapter_use(int32_t wanted, float scale, int32_t count);

}  // namespace hearth::engine
