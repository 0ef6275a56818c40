#include "base/utf8.h"

#include <algorithm>
#include <cstring>

namespace hearth {
namespace {

// Expected length of a sequence by its first byte; 0 when no sequence starts so.
int sequence_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return 0;
}

// Whether `second` may follow `first`: excludes overlong forms, surrogates and values above
// U+10FFFF.
bool second_fits(unsigned char first, unsigned char second) {
  if ((second & 0xC0) != 0x80) return false;
  if (first == 0xE0) return second >= 0xA0;
  if (first == 0xED) return second <= 0x9F;
  if (first == 0xF0) return second >= 0x90;
  if (first == 0xF4) return second <= 0x8F;
  return true;
}

}  // namespace

CodePoint decode_utf8(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const int length = sequence_length(first);
  constexpr CodePoint malformed{0xFFFD, 1, false};
  if (length == 0 || text.size() < static_cast<size_t>(length)) return malformed;
  if (length == 1) return {first, 1, true};
  if (!second_fits(first, static_cast<unsigned char>(text[1]))) return malformed;
  uint32_t value = first & (0x7Fu >> length);
  for (int i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[static_cast<size_t>(i)]);
    if ((byte & 0xC0) != 0x80) return malformed;
    value = (value << 6) | (byte & 0x3Fu);
  }
  return {value, length, true};
}

void append_utf8(std::string& text, uint32_t c) {
  const auto push = [&text](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xC0 | (c >> 6));
    push(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    push(0xE0 | (c >> 12));
    push(0x80 | ((c >> 6) & 0x3F));
    push(0x80 | (c & 0x3F));
  } else {
    push(0xF0 | (c >> 18));
    push(0x80 | ((c >> 12) & 0x3F));
    push(0x80 | ((c >> 6) & 0x3F));
    push(0x80 | (c & 0x3F));
  }
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    // Most text is ASCII, which needs no decoding.
    uint64_t block = 0;
    if (text.size() >= sizeof(block)) {
      std::memcpy(&block, text.data(), sizeof(block));
      if ((block & 0x8080808080808080u) == 0) {
        text.remove_prefix(sizeof(block));
        continue;
      }
    }
    const CodePoint c = decode_utf8(text);
    if (!c.is_valid) return false;
    text.remove_prefix(static_cast<size_t>(c.size_bytes));
  }
  return true;
}

size_t complete_utf8_prefix(std::string_view text) {
  // Only the last three bytes can belong to an unfinished sequence.
  const size_t back_max = std::min<size_t>(3, text.size());
  for (size_t back = 1; back <= back_max; ++back) {
    const auto first = static_cast<unsigned char>(text[text.size() - back]);
    if ((first & 0xC0) == 0x80) continue;
    const int length = sequence_length(first);
    if (length <= static_cast<int>(back)) return text.size();
    if (back >= 2 && !second_fits(first, static_cast<unsigned char>(text[text.size() - back + 1])))
      return text.size();
    return text.size() - back;
  }
  return text.size();
}

std::string repair_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    if (c.is_valid) {
      result.append(text.substr(0, static_cast<size_t>(c.size_bytes)));
    } else {
      append_utf8(result, c.value);
    }
    text.remove_prefix(static_cast<size_t>(c.size_bytes));
  }
  return result;
}

}  // namespace hearth
