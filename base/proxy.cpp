// See proxy.h.
#include "base/proxy.h"

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace hearth {
namespace {

using Environment = std::map<std::string, std::string>;

std::string value_of(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

std::string either(const Environment& environment, const char* small, const char* capital) {
  const std::string value = value_of(environment, small);
  return value.empty() ? value_of(environment, capital) : value;
}

// "10.0.0.0/8"; only for hosts that are written as IPv4 addresses.
bool is_in_block(const std::string& host, std::string_view rule) {
  const size_t slash = rule.find('/');
  in_addr address{};
  in_addr block{};
  if (slash == std::string_view::npos || ::inet_pton(AF_INET, host.c_str(), &address) != 1 ||
      ::inet_pton(AF_INET, std::string(rule.substr(0, slash)).c_str(), &block) != 1) {
    return false;
  }
  int bits = 0;
  for (const char c : rule.substr(slash + 1)) {
    if (c < '0' || c > '9' || bits > 32) return false;
    bits = bits * 10 + (c - '0');
  }
  if (bits > 32) return false;
  const uint32_t mask = bits == 0 ? 0 : ~uint32_t{0} << (32 - bits);
  return ((ntohl(address.s_addr) ^ ntohl(block.s_addr)) & mask) == 0;
}

// "example.com" and ".example.com" mean the host and everything below it; a port narrows it.
bool is_named(const Url& url, std::string_view rule) {
  if (is_in_block(url.host, rule)) return true;
  const size_t colon = rule.rfind(':');
  const bool has_port = colon != std::string_view::npos && rule.find(':') == colon;
  if (has_port) {
    if (rule.substr(colon + 1) != std::to_string(url.port)) return false;
    rule = rule.substr(0, colon);
  }
  if (rule.starts_with("*.")) rule.remove_prefix(1);
  if (rule.starts_with('.')) rule.remove_prefix(1);
  if (rule.empty() || !url.host.ends_with(rule)) return false;
  return url.host.size() == rule.size() || url.host[url.host.size() - rule.size() - 1] == '.';
}

bool is_excepted(const Url& url, std::string_view rules) {
  while (!rules.empty()) {
    const size_t end = rules.find_first_of(", ");
    std::string rule(rules.substr(0, end));
    for (char& c : rule)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (rule == "*" || (!rule.empty() && is_named(url, rule))) return true;
    rules.remove_prefix(end == std::string_view::npos ? rules.size() : end + 1);
  }
  return false;
}

}  // namespace

std::string proxy_for(const Url& url, const Environment& environment) {
  std::string proxy = url.scheme == "https" ? either(environment, "https_proxy", "HTTPS_PROXY")
                                            : value_of(environment, "http_proxy");
  if (proxy.empty()) proxy = either(environment, "all_proxy", "ALL_PROXY");
  if (proxy.empty() || is_excepted(url, either(environment, "no_proxy", "NO_PROXY"))) return "";
  return proxy;
}

}  // namespace hearth
