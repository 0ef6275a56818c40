// What templates need to know about characters: white space, case, and counting by code points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::modelfile::jinja {

size_t code_point_count(std::string_view text);
// Byte offset of the code point with that number; text.size() behind the last one.
size_t code_point_offset(std::string_view text, size_t index);

bool is_space(uint32_t code_point);  // as Python's str.isspace
bool is_letter(uint32_t code_point);
bool is_digit(uint32_t code_point);  // ASCII
bool is_upper(uint32_t code_point);
bool is_lower(uint32_t code_point);
// One to one case pairs of Latin, Greek, Cyrillic and Armenian letters; others stay.
uint32_t to_upper(uint32_t code_point);
uint32_t to_lower(uint32_t code_point);

std::string upper_text(std::string_view text);
std::string lower_text(std::string_view text);

}  // namespace hearth::modelfile::jinja
