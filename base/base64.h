// Base64 with padding (RFC 4648).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hearth {

std::string encode_base64(std::span<const std::byte> bytes);
std::string encode_base64(std::string_view bytes);
// Absent for a text that encode_base64 would not have written. Line breaks are no part of it.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace hearth
