// Small valid GGUF files to start mutations from: complete models of every architecture family with
// tiny vocabularies, so that loading gets as far as running a step.
#pragma once

#include <string>
#include <vector>

namespace hearth::fuzz {

// The same files every time.
std::vector<std::string> make_seeds();

}  // namespace hearth::fuzz
