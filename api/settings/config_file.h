// Text of a settings file to keys and values. One line each, `key = value`, in the part of TOML
// that INI files share: comments with #, values bare or in quotes, lists in brackets. Its own
// reader because the library's knows no line numbers, cuts quoted values at # and skips what it
// does not understand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::api {

struct ConfigLine {
  int number = 0;  // from 1
  std::string key;
  std::string value;  // the items of a list are joined by commas
};

// Throws Error{invalid_argument}: "line 3: expected key = value, found ...".
std::vector<ConfigLine> parse_config_text(std::string_view text);

}  // namespace hearth::api
