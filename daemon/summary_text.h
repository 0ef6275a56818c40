// What a list says about a model's inside, as a text for the index of models.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/types.h"

namespace hearth::daemon {

// Changes whenever the same files would give another text.
inline constexpr std::string_view summary_generation = "1";

// `details` and `capabilities` count.
std::string summary_text(const api::ModelSummary& summary);
// Fills the two in. False, and nothing done, for a text that summary_text did not make.
bool read_summary_text(std::string_view text, api::ModelSummary& summary);

}  // namespace hearth::daemon
