// hearthd: flags, environment and files to a Config, then the daemon.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>

#include "api/setting_flags.h"
#include "base/error.h"
#include "base/log.h"
#include "base/version.h"
#include "daemon/config.h"
#include "daemon/daemon.h"

namespace {

int start(const std::map<std::string, std::string>& flags, bool shows_config) {
  const hearth::daemon::LoadedConfig loaded = hearth::daemon::load_config(flags);
  if (shows_config) {
    for (const hearth::api::SettingValue& value : loaded.settings.values()) {
      if (value.setting->user == hearth::api::SettingUser::cli) continue;
      fmt::print("{:<18} {:<24} {}\n", value.setting->name, hearth::api::shown_value(value),
                 value.origin);
    }
    return 0;
  }
  hearth::log::start("hearthd",
                     loaded.config.is_debug ? hearth::log::Level::debug : hearth::log::Level::info);
  for (const std::string& warning : loaded.settings.warnings()) hearth::log::warn(warning);
  return hearth::daemon::run(loaded.config);
}

int run_program(int argument_count, char** arguments) {
  CLI::App app("hearth's daemon: serves models over HTTP", "hearthd");
  app.get_formatter()->column_width(36);
  const hearth::api::SettingFlags flags(app, hearth::api::SettingUser::daemon);
  bool shows_config = false;
  app.add_flag("--show-config", shows_config,
               "print every setting, its value and where it came from, and exit");
  app.set_version_flag("--version", fmt::format("hearthd {}", hearth::version()));
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::Success& asked) {  // the library ends --help and --version by throwing
    return app.exit(asked);
  } catch (const CLI::ParseError& mistake) {
    throw hearth::Error(hearth::ErrorCode::invalid_argument,
                        fmt::format("{}; see hearthd --help", mistake.what()));
  }
  return start(flags.given(), shows_config);
}

}  // namespace

int main(int argument_count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may grow no further is an error like a full disk
  try {
    return run_program(argument_count, arguments);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "Error: {}\n", failure.what());
    return 1;
  }
}
