#include "cli/config.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "api/address.h"
#include "base/config.h"

namespace hearth::cli {
namespace {

// The first of the editors that people name in their environment.
std::string editor_from(const api::Settings& settings,
                        const std::map<std::string, std::string>& environment) {
  if (!settings.text("editor").empty()) return settings.text("editor");
  for (const char* name : {"VISUAL", "EDITOR"}) {
    const auto found = environment.find(name);
    if (found != environment.end() && !found->second.empty()) return found->second;
  }
  return "vi";
}

}  // namespace

std::string base_url_from(const std::string& text) {
  api::Address address = api::parse_address(text);
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}{}", address.scheme, is_ipv6 ? "[" : "", address.host,
                     is_ipv6 ? "]" : "", address.port, address.path);
}

void hand_on_flags(const api::Settings& settings) {
  for (const api::SettingValue& value : settings.values()) {
    if (value.origin.starts_with("flag "))
      ::setenv(std::string(value.setting->environment).c_str(), value.text.c_str(), 1);
  }
}

bool is_loopback_url(const std::string& base_url) {
  const auto host = base_url.substr(base_url.find("://") + 3);
  return host.starts_with("127.") || host.starts_with("localhost:") || host.starts_with("[::1]");
}

Config read_config(const std::map<std::string, std::string>& flags) {
  api::SettingSources sources{flags, environment_variables(), {}};
  for (ConfigFileText& file : read_config_files(sources.environment))
    sources.files.push_back({std::move(file.path), std::move(file.text)});
  Config config;
  config.settings = api::load_settings(sources);
  config.base_url = base_url_from(config.settings.text("host"));
  config.is_loopback = is_loopback_url(config.base_url);
  config.api_key = config.settings.text("api-key");
  config.may_autostart = config.is_loopback && !config.settings.is_on("no-autostart");
  config.keeps_history = !config.settings.is_on("no-history");
  config.editor = editor_from(config.settings, sources.environment);
  const auto home = sources.environment.find("HOME");
  const bool has_home = home != sources.environment.end() && !home->second.empty();
  config.home = std::filesystem::path(has_home ? home->second : "/tmp") / ".hearth";
  std::error_code ignored;
  config.programs = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  return config;
}

}  // namespace hearth::cli
