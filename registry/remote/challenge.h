// What a server asks for when it answers 401: the header WWW-Authenticate (RFC 9110).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_transfer.h"

namespace hearth::registry {

struct Challenge {
  std::string scheme;                             // lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  // names in lower case

  // Empty when it is not there.
  std::string parameter(const std::string& name) const;
};

// All challenges of one header. What cannot be read ends the list; nothing throws.
std::vector<Challenge> parse_challenges(std::string_view header);
// Of all headers of that name.
std::vector<Challenge> challenges_of(const HttpHeaders& headers);

}  // namespace hearth::registry
