// UTF-8: validation, decoding one code point, and boundaries for text that arrives in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

struct CodePoint {
  uint32_t value;  // 0xFFFD when the bytes are malformed
  int size_bytes;  // bytes consumed: 1..4; 1 when malformed
  bool is_valid;
};

// The code point at the start of `text`, which must not be empty.
CodePoint decode_utf8(std::string_view text);
void append_utf8(std::string& text, uint32_t code_point);
bool is_valid_utf8(std::string_view text);
// Length of the longest prefix that does not end inside a code point; malformed bytes count as
// complete.
size_t complete_utf8_prefix(std::string_view text);
// `text` with every malformed byte replaced by U+FFFD.
std::string repair_utf8(std::string_view text);

}  // namespace hearth
