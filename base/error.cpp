#include "base/error.h"

#include <array>
#include <utility>

namespace hearth {
namespace {

constexpr std::array<std::pair<ErrorCode, std::string_view>, 11> names = {{
    {ErrorCode::invalid_argument, "invalid_argument"},
    {ErrorCode::not_found, "not_found"},
    {ErrorCode::already_exists, "already_exists"},
    {ErrorCode::unauthorized, "unauthorized"},
    {ErrorCode::forbidden, "forbidden"},
    {ErrorCode::corrupt_data, "corrupt_data"},
    {ErrorCode::unsupported, "unsupported"},
    {ErrorCode::out_of_memory, "out_of_memory"},
    {ErrorCode::unavailable, "unavailable"},
    {ErrorCode::cancelled, "cancelled"},
    {ErrorCode::internal, "internal"},
}};

}  // namespace

std::string_view to_string(ErrorCode code) {
  for (const auto& [value, name] : names) {
    if (value == code) return name;
  }
  return "internal";
}

ErrorCode error_code_from(std::string_view text) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  return ErrorCode::internal;
}

}  // namespace hearth
