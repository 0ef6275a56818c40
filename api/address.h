// The address of a daemon in the forms people write it in HEARTH_HOST, for the one who listens and
// for those who call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::api {

struct Address {
  std::string scheme = "http";
  std::string host = "127.0.0.1";  // without brackets
  uint16_t port = 11434;
  std::string path;  // "/prefix" without a slash at the end; empty: none
};

// "host", "host:port", ":port", "[v6]:port", bare "v6", "scheme://host[:port][/path]". The port is
// 11434 unless given; 80 and 443 with http:// and https://. Throws Error{invalid_argument}.
Address parse_address(std::string_view text);

}  // namespace hearth::api
