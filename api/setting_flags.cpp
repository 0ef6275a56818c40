#include "api/setting_flags.h"

#include <CLI/CLI.hpp>

namespace hearth::api {

SettingFlags::SettingFlags(CLI::App& app, SettingUser user) : app_(app) {
  for (const Setting& setting : settings()) {
    if (setting.user != user && setting.user != SettingUser::both) continue;
    const std::string name(setting.name);
    std::string& value = values_[name];
    CLI::Option* option = nullptr;
    if (setting.kind == SettingKind::toggle) {
      option = app.add_flag("--" + name, value, setting_help(setting));  // --flag=0 works too
    } else {
      option = app.add_option("--" + name, value, setting_help(setting));
      option->type_name(std::string(setting.unit.empty() ? "text" : setting.unit));
    }
    option->group("Settings");
  }
}

std::map<std::string, std::string> SettingFlags::given() const {
  std::map<std::string, std::string> flags;
  for (const auto& [name, value] : values_) {
    if (app_.get_option("--" + name)->count() > 0) flags[name] = value;
  }
  return flags;
}

}  // namespace hearth::api
