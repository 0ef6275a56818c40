// SentencePiece's spelling of spaces: in vocabularies a space is U+2581, and where no piece has one
// behind another character, text can be cut in front of each without changing a result.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hearth::engine {

inline constexpr std::string_view space_mark = "\xE2\x96\x81";  // U+2581

// Every space becomes a mark; one more stands in front when `adds_space`.
std::string mark_spaces(std::string_view text, bool adds_space);
// The inverse, for what a piece prints.
std::string unmark_spaces(std::string_view text);
// Whether a mark follows another character somewhere in the piece: such a piece spans words.
bool has_inner_mark(std::string_view piece);
// The end of the word that begins at `begin`: the next mark that does not follow a mark, or the end
// of the text.
size_t next_word(std::string_view marked, size_t begin);

}  // namespace hearth::engine
