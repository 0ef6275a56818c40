// The texts of HTTP: heads of responses, targets of requests. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::daemon {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// "OK", "Not Found", ...; "Status" for numbers it does not know.
std::string_view reason_phrase(int status);

// Status line, Date, Content-Type (when not empty), Content-Length (when given), `headers`, and the
// empty line.
std::string response_head(int status, std::string_view content_type, std::optional<size_t> length,
                          const HeaderList& headers);

// "/a%20b?x=1" -> "/a b" and "x=1". A broken escape stays as it is. A target with scheme and host
// loses them.
void split_target(std::string_view target, std::string& path, std::string& query);

}  // namespace hearth::daemon
