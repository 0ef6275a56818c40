#include "engine/speculation.h"

#include <algorithm>

namespace hearth::engine {

std::string_view speculation_name(Speculation speculation) {
  return speculation_names.at(static_cast<size_t>(speculation));
}

std::optional<Speculation> speculation_from_name(std::string_view name) {
  const auto found = std::find(speculation_names.begin(), speculation_names.end(), name);
  if (found == speculation_names.end()) return std::nullopt;
  return static_cast<Speculation>(found - speculation_names.begin());
}

std::string speculation_choices() {
  std::string text;
  for (size_t i = 0; i < speculation_names.size(); ++i) {
    if (i > 0) text += i + 1 < speculation_names.size() ? ", " : " or ";
    text += speculation_names[i];
  }
  return text;
}

}  // namespace hearth::engine
