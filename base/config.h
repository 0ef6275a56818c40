// What the world outside says about settings: the environment, and the files a person writes.
// Which keys there are and which source wins is api/settings.h.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace hearth {

std::map<std::string, std::string> environment_variables();

// The files that are looked for, the strongest first: $HEARTH_CONFIG, or else
// ~/.config/hearth/config.toml (below $XDG_CONFIG_HOME when that is set) and `config` beside it;
// then /etc/hearth/config.toml. HEARTH_CONFIG set to nothing leaves only the last.
std::vector<std::string> config_file_paths(const std::map<std::string, std::string>& environment);

struct ConfigFileText {
  std::string path;
  std::string text;
};

// Those of the paths that exist. Throws Error{forbidden | corrupt_data} with the path for a file
// that cannot be read or has more than 1 MiB, and Error{not_found} when $HEARTH_CONFIG is not
// there.
std::vector<ConfigFileText> read_config_files(
    const std::map<std::string, std::string>& environment);

}  // namespace hearth
