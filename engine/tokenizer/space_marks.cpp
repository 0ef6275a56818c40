#include "engine/tokenizer/space_marks.h"

#include <algorithm>

namespace hearth::engine {

std::string mark_spaces(std::string_view text, bool adds_space) {
  std::string marked;
  marked.reserve(text.size() + text.size() / 2 + space_mark.size());
  if (adds_space) marked += space_mark;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    marked.append(text.data(), space);
    if (space == text.size()) break;
    marked += space_mark;
    text.remove_prefix(space + 1);
  }
  return marked;
}

std::string unmark_spaces(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t at = std::min(text.find(space_mark), text.size());
    result += text.substr(0, at);
    if (at == text.size()) break;
    result.push_back(' ');
    text.remove_prefix(at + space_mark.size());
  }
  return result;
}

bool has_inner_mark(std::string_view piece) {
  bool seen_other = false;
  while (!piece.empty()) {
    if (piece.starts_with(space_mark)) {
      if (seen_other) return true;
      piece.remove_prefix(space_mark.size());
    } else {
      seen_other = true;
      piece.remove_prefix(1);
    }
  }
  return false;
}

size_t next_word(std::string_view marked, size_t begin) {
  size_t at = begin;
  while (marked.substr(at).starts_with(space_mark)) at += space_mark.size();
  return std::min(marked.find(space_mark, std::max(at, begin + 1)), marked.size());
}

}  // namespace hearth::engine
