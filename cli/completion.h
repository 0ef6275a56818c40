// Shell completions made from the command tree. Names of models come from the daemon, when it runs,
// at the time of completing.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace hearth::cli {

std::string bash_completion(CLI::App& app);
std::string zsh_completion(CLI::App& app);
std::string fish_completion(CLI::App& app);

}  // namespace hearth::cli
