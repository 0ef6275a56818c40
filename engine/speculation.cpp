#include "engine/speculation.h"

#include "base/names.h"

namespace hearth::engine {

std::string_view speculation_name(Speculation speculation) {
  return speculation_names.at(static_cast<size_t>(speculation));
}

std::optional<Speculation> speculation_from_name(std::string_view name) {
  return enumerator_named<Speculation>(name, speculation_names);
}

std::string speculation_choices() {
  return choice_of(speculation_names);
}

}  // namespace hearth::engine
