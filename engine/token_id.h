// The id of a token in a model's vocabulary.
#pragma once

#include <cstdint>

namespace hearth::engine {

using TokenId = int32_t;

}  // namespace hearth::engine
