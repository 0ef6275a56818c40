#include "engine/engine/adapter_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace hearth::engine {

AdapterUse adapter_use(int32_t wanted, float scale, int32_t count) {
  if (wanted > count || wanted < -1) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("adapter {} is not loaded: there are {}", wanted, count));
  }
  if (!std::isfinite(scale))
    throw Error(ErrorCode::invalid_argument, "the adapter's scale is not a finite number");
  const int32_t number = wanted < 0 ? std::min(count, 1) : wanted;
  return {number - 1, scale};
}

}  // namespace hearth::engine
