// Base64 with padding (RFC 4648).
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace hearth {

std::string encode_base64(std::span<const std::byte> bytes);

}  // namespace hearth
