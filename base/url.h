// Addresses of the web, read by the same library that opens them: what is checked here is what is
// asked there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth {

struct Url {
  std::string text;  // normalised; what is sent
  std::string scheme;
  std::string host;  // lower case, without brackets
  uint16_t port = 0;
  std::string path;
  std::string query;  // without the question mark

  // Scheme, host and port: what one may send credentials to.
  std::string origin() const;
  // As registries are called: "host", or "host:port" where the port is not the scheme's.
  std::string authority() const;
};

// Absent for what is no http or https address, or has a user or password in it.
std::optional<Url> parse_url(std::string_view text);
// What `reference` means on a page at `base`: absolute and relative addresses alike. Absent as
// above.
std::optional<Url> resolve_url(const Url& base, std::string_view reference);

// As queries want it: letters, digits and -._~ stay, a blank becomes '+', all else %XX.
std::string encode_query(std::string_view text);

}  // namespace hearth
