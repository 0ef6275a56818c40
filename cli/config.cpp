#include "cli/config.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "base/error.h"

namespace hearth::cli {
namespace {

// The first of two variables that is set and not empty, without spaces and quotes around it.
std::string variable(const char* name, const char* other_name = nullptr) {
  for (const char* candidate : {name, other_name}) {
    const char* value = candidate == nullptr ? nullptr : std::getenv(candidate);
    if (value == nullptr) continue;
    std::string_view text(value);
    const auto first = text.find_first_not_of(" \t\"'");
    if (first == std::string_view::npos) continue;
    const auto last = text.find_last_not_of(" \t\"'");
    return std::string(text.substr(first, last - first + 1));
  }
  return {};
}

bool is_on(const std::string& value) {
  return !(value.empty() || value == "0" || value == "false" || value == "f" || value == "FALSE" ||
           value == "no");
}

struct Address {
  std::string scheme = "http";
  std::string host = "127.0.0.1";
  std::string port;
};

Address split_address(std::string_view text) {
  Address address;
  if (const auto mark = text.find("://"); mark != std::string_view::npos) {
    address.scheme = std::string(text.substr(0, mark));
    text.remove_prefix(mark + 3);
    address.port = address.scheme == "https" ? "443" : "80";
  } else {
    address.port = "11434";
  }
  text = text.substr(0, text.find('/'));
  const bool is_bare_ipv6 = text.find(':') != text.rfind(':') && !text.starts_with('[');
  const auto colon = is_bare_ipv6 ? std::string_view::npos : text.rfind(':');
  const auto bracket = text.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    address.port = std::string(text.substr(colon + 1));
    text = text.substr(0, colon);
  }
  if (!text.empty()) address.host = is_bare_ipv6 ? fmt::format("[{}]", text) : std::string(text);
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "[::]") address.host = "[::1]";
  return address;
}

}  // namespace

std::string base_url_from(const std::string& text) {
  const Address address = split_address(text);
  const bool is_port = !address.port.empty() && address.port.size() <= 5 &&
                       address.port.find_first_not_of("0123456789") == std::string::npos &&
                       std::stoi(address.port) <= 65535;
  if (!is_port || (address.scheme != "http" && address.scheme != "https")) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("HEARTH_HOST is \"{}\": expected host, host:port or http://host:port", text));
  }
  return fmt::format("{}://{}:{}", address.scheme, address.host, address.port);
}

bool is_loopback_url(const std::string& base_url) {
  const auto host = base_url.substr(base_url.find("://") + 3);
  return host.starts_with("127.") || host.starts_with("localhost:") || host.starts_with("[::1]");
}

Config read_config() {
  Config config;
  config.base_url = base_url_from(variable("HEARTH_HOST", "OLLAMA_HOST"));
  config.is_loopback = is_loopback_url(config.base_url);
  config.api_key = variable("HEARTH_API_KEY");
  config.may_autostart = config.is_loopback && !is_on(variable("HEARTH_NO_AUTOSTART"));
  config.keeps_history = !is_on(variable("HEARTH_NOHISTORY", "OLLAMA_NOHISTORY"));
  const std::string home = variable("HOME");
  config.home = std::filesystem::path(home.empty() ? "/tmp" : home) / ".hearth";
  std::error_code ignored;
  config.programs = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  return config;
}

}  // namespace hearth::cli
