// Our own version and the version of the API we speak.
#pragma once

#include <string_view>

namespace hearth {

std::string_view version();                                // of this build, for example "0.1.0"
inline constexpr std::string_view api_version = "0.33.0";  // the Ollama version whose API is spoken

}  // namespace hearth
