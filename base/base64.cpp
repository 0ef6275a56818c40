#include "base/base64.h"

#include <algorithm>
#include <cstdint>

namespace hearth {
namespace {

constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_base64(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? std::to_integer<uint32_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text += k <= count ? letters[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string encode_base64(std::string_view bytes) {
  return encode_base64(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  uint32_t group = 0;
  size_t digits = 0;
  for (const char c : text.substr(0, text.find('='))) {
    const size_t value = letters.find(c);
    if (value == letters.npos) return std::nullopt;
    group = group << 6 | static_cast<uint32_t>(value);
    if (++digits % 4 != 0) continue;
    for (int shift = 16; shift >= 0; shift -= 8) bytes += static_cast<char>(group >> shift & 255);
    group = 0;
  }
  // Two digits stand for one byte more, three for two; then the first byte is the highest of the
  // group.
  const size_t rest = digits % 4;
  group <<= 6 * (4 - rest);
  for (size_t i = 1; i < rest; ++i) bytes += static_cast<char>(group >> (24 - 8 * i) & 255);
  // Everything else that is wrong - lengths, padding, bits left over - shows in the way back.
  if (encode_base64(std::string_view(bytes)) != text) return std::nullopt;
  return bytes;
}

}  // namespace hearth
