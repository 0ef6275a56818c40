#include "api/limits.h"

#include <fmt/format.h>

#include "base/error.h"

namespace hearth::api {

void check_count(std::string_view what, size_t count, size_t max) {
  if (count <= max) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{}: at most {}, found {}", what, max, count));
}

int64_t read_thinking_budget(const Fields& fields, std::string_view key, int64_t least) {
  const std::optional<int64_t> budget = fields.integer(key);
  if (budget && *budget < least) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{}: expected {} or more, found {}", key, least, *budget));
  }
  return budget.value_or(-1);
}

void check_stops(const modelfile::Parameters& options) {
  if (!options.stop) return;
  check_count("stop", options.stop->size(), stops_max);
  for (const std::string& stop : *options.stop)
    check_count("stop: bytes of one", stop.size(), stop_bytes_max);
}

}  // namespace hearth::api
