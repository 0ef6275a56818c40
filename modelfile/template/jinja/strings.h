// String work that filters and methods share. Everything keeps the marks of trust.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "modelfile/template/marked_text.h"

namespace hearth::modelfile::jinja {

enum class Side { both, left, right };

// How often `wanted` occurs; of an empty text, once beside every character.
size_t count_matches(std::string_view text, std::string_view wanted);
// Without white space, or without the code points of `characters`, at the ends.
MarkedText strip(const MarkedText& text, Side side);
MarkedText strip(const MarkedText& text, Side side, std::string_view characters);
// At most `count` replacements from the left; negative is all.
MarkedText replace(const MarkedText& text, std::string_view old_text, const MarkedText& new_text,
                   int64_t count);
// Splitting throws when there would be more than two million pieces.
// `separator` must not be empty. At most `count` cuts, from the left or the right; negative is all.
std::vector<MarkedText> split(const MarkedText& text, std::string_view separator, int64_t count,
                              Side from);
// At runs of white space, none at the ends.
std::vector<MarkedText> split_words(const MarkedText& text, int64_t count, Side from);
std::vector<MarkedText> split_lines(const MarkedText& text, bool keeps_ends);
MarkedText upper(const MarkedText& text);
MarkedText lower(const MarkedText& text);
MarkedText capitalize(const MarkedText& text);
// Every word with a capital; a word starts where `starts_word(previous code point)` says so.
MarkedText title(const MarkedText& text, const std::function<bool(uint32_t)>& starts_word);
// Every line but the first (and blank ones) moved to the right.
MarkedText indent(const MarkedText& text, const MarkedText& by, bool first, bool blank);

}  // namespace hearth::modelfile::jinja
