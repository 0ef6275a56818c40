// hearthd: flags and environment to a Config, then the daemon.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>

#include "base/error.h"
#include "base/log.h"
#include "base/version.h"
#include "daemon/config.h"
#include "daemon/daemon.h"

namespace {

using hearth::daemon::Setting;

std::string help_of(const Setting& setting) {
  std::string help(setting.help);
  if (!setting.default_text.empty()) help += fmt::format(" [{}]", setting.default_text);
  help += fmt::format(" ({}", setting.environment);
  if (!setting.ollama.empty()) help += fmt::format(", {}", setting.ollama);
  return help + ")";
}

struct Arguments {
  std::map<std::string, std::string> flags;
  bool shows_config = false;
};

// CLI11 ends the program itself for --help and --version, by its own exception.
void add_options(CLI::App& app, std::map<std::string, std::string>& values, bool& shows_config) {
  for (const Setting& setting : hearth::daemon::settings()) {
    const std::string name(setting.name);
    if (setting.is_switch) {
      app.add_flag_callback(
          "--" + name, [&values, name] { values[name] = "1"; }, help_of(setting));
    } else {
      app.add_option_function<std::string>(
             "--" + name, [&values, name](const std::string& value) { values[name] = value; },
             help_of(setting))
          ->type_name(std::string(setting.unit.empty() ? "text" : setting.unit));
    }
  }
  app.add_flag("--show-config", shows_config,
               "print every setting, its value and where it came from, and exit");
  app.set_version_flag("--version", fmt::format("hearthd {}", hearth::version()));
}

int start(const Arguments& arguments) {
  const hearth::daemon::LoadedConfig loaded = hearth::daemon::load_config(arguments.flags);
  if (arguments.shows_config) {
    for (const auto& setting : loaded.origins)
      fmt::print("{:<18} {:<24} {}\n", setting.name, setting.value, setting.origin);
    return 0;
  }
  hearth::log::start("hearthd",
                     loaded.config.is_debug ? hearth::log::Level::debug : hearth::log::Level::info);
  for (const std::string& warning : loaded.warnings) hearth::log::warn(warning);
  return hearth::daemon::run(loaded.config);
}

}  // namespace

int main(int argument_count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("hearth's daemon: serves models over HTTP", "hearthd");
  Arguments parsed;
  add_options(app, parsed.flags, parsed.shows_config);
  CLI11_PARSE(app, argument_count, arguments);
  try {
    return start(parsed);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "hearthd: {}\n", failure.what());
    return 1;
  }
}
