// `hearth config show` and `hearth config path`: what the settings are and where they came from.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/config.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

Json as_json(const Config& config) {
  Json rows = Json::array();
  for (const api::SettingValue& value : config.settings.values()) {
    rows.push_back({{"name", value.setting->name},
                    {"value", api::shown_value(value)},
                    {"origin", value.origin},
                    {"default", value.setting->default_text},
                    {"environment", value.setting->environment}});
    if (!value.setting->ollama.empty()) rows.back()["ollama"] = value.setting->ollama;
  }
  return {{"settings", rows}, {"warnings", config.settings.warnings()}};
}

}  // namespace

int config_show(const Config& config, const ConfigShowOptions& options) {
  if (options.is_json) {
    print(as_json(config).dump(2) + "\n");
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const api::SettingValue& value : config.settings.values()) {
    std::vector<std::string> row = {std::string(value.setting->name), api::shown_value(value)};
    if (options.shows_origin) row.push_back(value.origin);
    rows.push_back(std::move(row));
  }
  print(table(rows));
  for (const std::string& warning : config.settings.warnings()) note("Warning: " + warning);
  return 0;
}

int config_path() {
  for (const std::string& path : config_file_paths(environment_variables())) {
    std::error_code ignored;
    const bool is_there = std::filesystem::exists(path, ignored);
    print(fmt::format("{}{}\n", path, is_there ? "" : " (not there)"));
  }
  return 0;
}

}  // namespace hearth::cli
