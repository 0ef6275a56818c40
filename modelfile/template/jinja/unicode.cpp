#include "modelfile/template/jinja/unicode.h"

#include "base/utf8.h"

namespace hearth::modelfile::jinja {
namespace {

bool is_between(uint32_t value, uint32_t first, uint32_t last) {
  return value >= first && value <= last;
}

// In these blocks capital and small letters alternate, capitals on even numbers.
bool is_alternating_even(uint32_t c) {
  return is_between(c, 0x100, 0x12F) || is_between(c, 0x132, 0x137) ||
         is_between(c, 0x14A, 0x177) || is_between(c, 0x1DE, 0x1EF) ||
         is_between(c, 0x1F8, 0x21F) || is_between(c, 0x222, 0x233) ||
         is_between(c, 0x3D8, 0x3EF) || is_between(c, 0x460, 0x481) ||
         is_between(c, 0x48A, 0x4BF) || is_between(c, 0x4D0, 0x52F) ||
         is_between(c, 0x1E00, 0x1E95) || is_between(c, 0x1EA0, 0x1EFF);
}

bool is_alternating_odd(uint32_t c) {
  return is_between(c, 0x139, 0x148) || is_between(c, 0x179, 0x17E) ||
         is_between(c, 0x1CD, 0x1DC) || is_between(c, 0x4C1, 0x4CE);
}

template <typename Change>
std::string map_text(std::string_view text, Change change) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    append_utf8(result, change(point.value));
    text.remove_prefix(static_cast<size_t>(point.size_bytes));
  }
  return result;
}

}  // namespace

size_t code_point_count(std::string_view text) {
  size_t count = 0;
  for (char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

size_t code_point_offset(std::string_view text, size_t index) {
  size_t offset = 0;
  for (; offset < text.size(); ++offset) {
    const bool is_start = (static_cast<unsigned char>(text[offset]) & 0xC0) != 0x80;
    if (is_start && index-- == 0) break;
  }
  return offset;
}

bool is_space(uint32_t c) {
  return is_between(c, 0x09, 0x0D) || is_between(c, 0x1C, 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || is_between(c, 0x2000, 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_digit(uint32_t c) {
  return is_between(c, '0', '9');
}

bool is_letter(uint32_t c) {
  if (c < 0x80) return is_between(c, 'a', 'z') || is_between(c, 'A', 'Z');
  const bool is_sign = is_between(c, 0x80, 0xBF) || c == 0xD7 || c == 0xF7 ||
                       is_between(c, 0x2000, 0x2BFF) || is_between(c, 0x3000, 0x303F) ||
                       is_between(c, 0xFF00, 0xFF20) || c >= 0x1F000;
  return !is_sign || c == 0xAA || c == 0xB5 || c == 0xBA;
}

bool is_upper(uint32_t c) {
  return to_lower(c) != c;
}
bool is_lower(uint32_t c) {
  return to_upper(c) != c || c == 0xDF;
}

uint32_t to_upper(uint32_t c) {
  if (is_between(c, 'a', 'z')) return c - 32;
  if (c < 0x80) return c;
  if (is_between(c, 0xE0, 0xFE) && c != 0xF7) return c - 32;
  if (c == 0xFF) return 0x178;
  if (is_between(c, 0x3B1, 0x3C9) && c != 0x3C2) return c - 32;
  if (is_between(c, 0x430, 0x44F)) return c - 32;
  if (is_between(c, 0x450, 0x45F)) return c - 80;
  if (is_between(c, 0x561, 0x586)) return c - 48;
  if (is_alternating_even(c) && c != 0x131) return c & ~1U;
  if (is_alternating_odd(c)) return (c & 1U) ? c : c - 1;
  return c;
}

uint32_t to_lower(uint32_t c) {
  if (is_between(c, 'A', 'Z')) return c + 32;
  if (c < 0x80) return c;
  if (is_between(c, 0xC0, 0xDE) && c != 0xD7) return c + 32;
  if (c == 0x178) return 0xFF;
  if (is_between(c, 0x391, 0x3A9) && c != 0x3A2) return c + 32;
  if (is_between(c, 0x410, 0x42F)) return c + 32;
  if (is_between(c, 0x400, 0x40F)) return c + 80;
  if (is_between(c, 0x531, 0x556)) return c + 48;
  if (is_alternating_even(c) && c != 0x130) return c | 1U;
  if (is_alternating_odd(c)) return (c & 1U) ? c + 1 : c;
  return c;
}

std::string upper_text(std::string_view text) {
  return map_text(text, [](uint32_t c) { return to_upper(c); });
}

std::string lower_text(std::string_view text) {
  return map_text(text, [](uint32_t c) { return to_lower(c); });
}

}  // namespace hearth::modelfile::jinja
