// Enumerations that people name: a table of names in the order of the enumerators.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hearth {

// The enumerator with this name; absent when there is none.
template <class Enum, size_t count>
std::optional<Enum> enumerator_named(std::string_view name,
                                     const std::array<std::string_view, count>& names) {
  for (size_t i = 0; i < count; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

// "a, b or c", for messages and help.
std::string choice_of(std::span<const std::string_view> names);

}  // namespace hearth
