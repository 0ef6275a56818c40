// The ways in which the next tokens of an answer may be guessed before the model has been asked, by
// name. Guesses change when tokens arrive, never which (docs/steps-and-cache.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::engine {

// automatic: whatever was measured to pay; lookup, draft: that way alone, as long as it pays.
enum class Speculation : uint8_t { automatic, off, lookup, draft };

// In the order of Speculation.
inline constexpr std::array<std::string_view, 4> speculation_names = {"auto", "off", "lookup",
                                                                      "draft"};

std::string_view speculation_name(Speculation speculation);
std::optional<Speculation> speculation_from_name(std::string_view name);
// "auto, off, lookup or draft", for messages and help.
std::string speculation_choices();

}  // namespace hearth::engine
