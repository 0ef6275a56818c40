// Who may talk to the daemon: the Host header (against DNS rebinding), the Origin header (web
// pages) and the API key. Pure decisions, no sockets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::daemon {

struct AccessRules {
  bool is_loopback = true;             // what the listener is bound to
  std::vector<std::string> origins;    // in addition to the built-in ones
  std::string api_key;                 // empty: none asked for
  std::string host_name;               // of this machine
  std::vector<std::string> addresses;  // of this machine's interfaces, as text
};

// True for 127.0.0.0/8, ::1 and "localhost".
bool is_loopback_host(std::string_view host);

// Throws Error{invalid_argument} for an entry with two wildcards, or with neither a wildcard nor a
// scheme.
void check_origin_entry(std::string_view entry);

// The addresses of this machine's interfaces, for AccessRules.
std::vector<std::string> interface_addresses();

// On a loopback listener only names and addresses that cannot be pointed at us from outside;
// everywhere else all.
bool is_host_allowed(const AccessRules& rules, std::string_view host_header);

enum class OriginVerdict { same, allowed, allowed_for_all, denied };
// `same` also when there is no Origin header.
OriginVerdict judge_origin(const AccessRules& rules, std::string_view origin,
                           std::string_view host_header);

// Either header will do. The time it takes tells nothing about the key.
bool is_key_right(const AccessRules& rules, std::string_view authorization,
                  std::string_view api_key_header);

}  // namespace hearth::daemon
