// The alphabet of byte-level BPE: every byte is spelled as one printable character in the
// vocabulary, so that spellings are valid text. Bytes 33-126, 161-172 and 174-255 are spelled as
// the character of the same number, the other 68 in rising order as U+0100 and on (a space is
// U+0120).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::engine {

// The spelling of a byte.
std::string spell_byte(uint8_t byte);
// The bytes a spelling stands for; absent when it has a character that spells no byte.
std::optional<std::string> unspell_bytes(std::string_view spelling);
// The same, but characters that spell no byte stand for themselves.
std::string unspell_leniently(std::string_view spelling);

}  // namespace hearth::engine
