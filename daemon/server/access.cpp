#include "daemon/server/access.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/digest.h"
#include "base/error.h"

namespace hearth::daemon {
namespace {

constexpr std::array<std::string_view, 17> built_in_origins{
    "http://localhost", "https://localhost", "http://localhost:*", "https://localhost:*",
    "http://127.0.0.1", "https://127.0.0.1", "http://127.0.0.1:*", "https://127.0.0.1:*",
    "http://0.0.0.0",   "https://0.0.0.0",   "http://0.0.0.0:*",   "https://0.0.0.0:*",
    "app://*",          "file://*",          "tauri://*",          "vscode-webview://*",
    "vscode-file://*"};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  });
  return lower;
}

std::string without_port(std::string_view host) {
  if (host.starts_with('[')) return std::string(host.substr(1, host.find(']') - 1));
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(':') == colon) host = host.substr(0, colon);
  return std::string(host);
}

std::optional<uint32_t> parse_v4(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

bool is_local_v4(uint32_t address) {
  const uint32_t first = address >> 24;
  return address == 0 || first == 127 || first == 10 || (address >> 16) == 0xC0A8 ||
         (address >> 20) == 0xAC1;
}

// Loopback, unspecified, unique local.
bool is_local_v6(const in6_addr& address) {
  return IN6_IS_ADDR_LOOPBACK(&address) || IN6_IS_ADDR_UNSPECIFIED(&address) ||
         (address.s6_addr[0] & 0xFE) == 0xFC;
}

// Digests have one length and begin to differ anywhere, so comparing them tells nothing about what
// they are of.
std::string digest_of(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text)));
}

bool is_equal(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

bool matches(std::string_view entry, std::string_view origin) {
  const size_t star = entry.find('*');
  if (star == std::string_view::npos) return entry == origin;
  const std::string_view head = entry.substr(0, star);
  const std::string_view tail = entry.substr(star + 1);
  return origin.size() >= head.size() + tail.size() && origin.starts_with(head) &&
         origin.ends_with(tail);
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  const std::string bare = lower_case(without_port(host));
  if (bare == "localhost") return true;
  if (const std::optional<uint32_t> address = parse_v4(bare)) return (*address >> 24) == 127;
  in6_addr address{};
  return inet_pton(AF_INET6, bare.c_str(), &address) == 1 && IN6_IS_ADDR_LOOPBACK(&address);
}

std::vector<std::string> interface_addresses() {
  std::vector<std::string> texts;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return texts;  // then only names and private addresses are ours
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    std::array<char, NI_MAXHOST> text{};
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (family != AF_INET && family != AF_INET6) continue;
    if (getnameinfo(entry->ifa_addr, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) ==
        0)
      texts.emplace_back(text.data());
  }
  freeifaddrs(first);
  return texts;
}

void check_origin_entry(std::string_view entry) {
  const auto stars = std::count(entry.begin(), entry.end(), '*');
  const bool is_usable = stars == 1 || (stars == 0 && entry.find("://") != std::string_view::npos);
  if (is_usable) return;
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format("origin \"{}\": expected a scheme such as https:// and at most one *", entry));
}

bool is_host_allowed(const AccessRules& rules, std::string_view host_header) {
  if (!rules.is_loopback) return true;
  const std::string host = lower_case(without_port(host_header));
  if (host.empty() || host == "localhost" || host == lower_case(rules.host_name)) return true;
  for (const std::string_view ending : {".localhost", ".local", ".internal"}) {
    if (host.ends_with(ending)) return true;
  }
  const auto& own = rules.addresses;
  if (std::find(own.begin(), own.end(), host) != own.end()) return true;
  if (const std::optional<uint32_t> address = parse_v4(host)) return is_local_v4(*address);
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1 && is_local_v6(address);
}

OriginVerdict judge_origin(const AccessRules& rules, std::string_view origin,
                           std::string_view host_header) {
  if (origin.empty()) return OriginVerdict::same;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme) && origin.substr(scheme.size()) == host_header)
      return OriginVerdict::same;
  }
  if (std::find(rules.origins.begin(), rules.origins.end(), "*") != rules.origins.end()) {
    return OriginVerdict::allowed_for_all;
  }
  const auto is_match = [origin](std::string_view entry) { return matches(entry, origin); };
  const bool is_listed = std::any_of(built_in_origins.begin(), built_in_origins.end(), is_match) ||
                         std::any_of(rules.origins.begin(), rules.origins.end(), is_match);
  return is_listed ? OriginVerdict::allowed : OriginVerdict::denied;
}

bool is_key_right(const AccessRules& rules, std::string_view authorization,
                  std::string_view api_key_header) {
  if (rules.api_key.empty()) return true;
  std::string_view bearer;
  if (authorization.size() > 7 && lower_case(authorization.substr(0, 7)) == "bearer ")
    bearer = authorization.substr(7);
  const std::string wanted = digest_of(rules.api_key);
  const bool is_bearer_right = is_equal(wanted, digest_of(bearer));
  const bool is_header_right = is_equal(wanted, digest_of(api_key_header));
  return is_bearer_right || is_header_right;
}

}  // namespace hearth::daemon
