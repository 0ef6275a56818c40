#include "base/config.h"

#include <filesystem>

#include "base/file.h"

extern char** environ;

namespace hearth {
namespace {

constexpr size_t config_bytes_max = size_t{1} << 20;

std::string value_of(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

}  // namespace

std::map<std::string, std::string> environment_variables() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

std::vector<std::string> config_file_paths(const std::map<std::string, std::string>& environment) {
  std::vector<std::string> paths;
  if (environment.contains("HEARTH_CONFIG")) {
    if (const std::string named = value_of(environment, "HEARTH_CONFIG"); !named.empty())
      paths.push_back(named);
  } else {
    std::string folder = value_of(environment, "XDG_CONFIG_HOME");
    const std::string home = value_of(environment, "HOME");
    if (folder.empty() && !home.empty()) folder = home + "/.config";
    if (!folder.empty()) {
      paths.push_back(folder + "/hearth/config.toml");
      paths.push_back(folder + "/hearth/config");
    }
  }
  paths.push_back("/etc/hearth/config.toml");
  return paths;
}

std::vector<ConfigFileText> read_config_files(
    const std::map<std::string, std::string>& environment) {
  std::vector<ConfigFileText> files;
  const std::string named = value_of(environment, "HEARTH_CONFIG");
  for (const std::string& path : config_file_paths(environment)) {
    std::error_code failure;
    const bool is_there = std::filesystem::exists(path, failure);
    if (!is_there && !failure && path != named) continue;
    // A folder above it that may not be entered hides it as if it were not there.
    if (failure && path != named) continue;
    files.push_back({path, read_file(path, config_bytes_max)});
  }
  return files;
}

}  // namespace hearth
