#include "engine/tokenizer/byte_map.h"

#include <array>

#include "base/utf8.h"

namespace hearth::engine {
namespace {

constexpr int character_count = 256 + 68;

constexpr bool spells_itself(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

struct ByteMap {
  std::array<uint16_t, 256> character{};
  std::array<int16_t, character_count> byte{};  // -1: the character spells none

  constexpr ByteMap() {
    for (auto& b : byte) b = -1;
    int next = 256;
    for (int i = 0; i < 256; ++i) {
      const int c = spells_itself(i) ? i : next++;
      character[static_cast<size_t>(i)] = static_cast<uint16_t>(c);
      byte[static_cast<size_t>(c)] = static_cast<int16_t>(i);
    }
  }
};

constexpr ByteMap byte_map;

std::optional<char> byte_of(const CodePoint& c) {
  if (!c.is_valid || c.value >= character_count || byte_map.byte[c.value] < 0) return std::nullopt;
  return static_cast<char>(byte_map.byte[c.value]);
}

}  // namespace

std::string spell_byte(uint8_t byte) {
  std::string text;
  append_utf8(text, byte_map.character[byte]);
  return text;
}

std::optional<std::string> unspell_bytes(std::string_view spelling) {
  std::string bytes;
  while (!spelling.empty()) {
    const CodePoint c = decode_utf8(spelling);
    const auto byte = byte_of(c);
    if (!byte) return std::nullopt;
    bytes.push_back(*byte);
    spelling.remove_prefix(static_cast<size_t>(c.size_bytes));
  }
  return bytes;
}

std::string unspell_leniently(std::string_view spelling) {
  std::string bytes;
  while (!spelling.empty()) {
    const CodePoint c = decode_utf8(spelling);
    const auto size = static_cast<size_t>(c.size_bytes);
    if (const auto byte = byte_of(c)) {
      bytes.push_back(*byte);
    } else {
      bytes += spelling.substr(0, size);
    }
    spelling.remove_prefix(size);
  }
  return bytes;
}

}  // namespace hearth::engine
