#include "modelfile/template/jinja/strings.h"

#include <algorithm>

#include "base/utf8.h"
#include "modelfile/template/jinja/unicode.h"
#include "modelfile/template/jinja/value.h"

namespace hearth::modelfile::jinja {
namespace {

constexpr size_t whole = std::string_view::npos;
constexpr size_t pieces_max = 2'000'000;

void check_pieces(size_t count) {
  if (count > pieces_max) fail("a text splits into too many pieces");
}

// First and last byte offset of what stays when code points for which `drops` holds go from the
// ends.
MarkedText strip_if(const MarkedText& text, Side side, const std::function<bool(uint32_t)>& drops) {
  const std::string_view bytes = text.bytes();
  size_t begin = bytes.size();
  size_t end = 0;
  for (size_t offset = 0; offset < bytes.size();) {
    const CodePoint point = decode_utf8(bytes.substr(offset));
    const auto size = static_cast<size_t>(point.size_bytes);
    if (!drops(point.value)) {
      begin = std::min(begin, offset);
      end = offset + size;
    }
    offset += size;
  }
  if (side == Side::right) begin = 0;
  if (side == Side::left) end = bytes.size();
  return begin < end ? text.slice(begin, end - begin) : MarkedText();
}

std::string change_points(std::string_view bytes, const std::function<uint32_t(uint32_t)>& change) {
  std::string result;
  while (!bytes.empty()) {
    const CodePoint point = decode_utf8(bytes);
    append_utf8(result, change(point.value));
    bytes.remove_prefix(static_cast<size_t>(point.size_bytes));
  }
  return result;
}

MarkedText replace_nothing(const MarkedText& text, const MarkedText& new_text, int64_t count) {
  MarkedText result;
  size_t offset = 0;
  for (; count != 0; --count) {
    result.append(new_text);
    if (offset >= text.size()) return result;
    const auto size =
        static_cast<size_t>(decode_utf8(std::string_view(text.bytes()).substr(offset)).size_bytes);
    result.append(text.slice(offset, size));
    offset += size;
  }
  result.append(text.slice(offset, whole));
  return result;
}

struct Piece {
  size_t begin;
  size_t end;
};

std::vector<Piece> words_of(std::string_view bytes) {
  std::vector<Piece> words;
  bool inside = false;
  for (size_t offset = 0; offset < bytes.size();) {
    const CodePoint point = decode_utf8(bytes.substr(offset));
    const bool is_blank = is_space(point.value);
    if (!is_blank && !inside) words.push_back({offset, offset});
    check_pieces(words.size());
    offset += static_cast<size_t>(point.size_bytes);
    if (!is_blank) words.back().end = offset;
    inside = !is_blank;
  }
  return words;
}

}  // namespace

size_t count_matches(std::string_view text, std::string_view wanted) {
  if (wanted.empty()) return code_point_count(text) + 1;
  size_t count = 0;
  for (size_t at = text.find(wanted); at != whole; at = text.find(wanted, at + wanted.size()))
    ++count;
  return count;
}

MarkedText strip(const MarkedText& text, Side side) {
  return strip_if(text, side, is_space);
}

MarkedText strip(const MarkedText& text, Side side, std::string_view characters) {
  return strip_if(text, side, [&](uint32_t value) {
    std::string wanted;
    append_utf8(wanted, value);
    return characters.find(wanted) != std::string_view::npos;
  });
}

MarkedText replace(const MarkedText& text, std::string_view old_text, const MarkedText& new_text,
                   int64_t count) {
  if (old_text.empty()) return replace_nothing(text, new_text, count);
  const std::string_view bytes = text.bytes();
  if (bytes.find(old_text) == whole) return text;
  MarkedText result;
  size_t offset = 0;
  for (size_t at = bytes.find(old_text); at != whole && count != 0;
       at = bytes.find(old_text, offset), --count) {
    result.append(text.slice(offset, at - offset));
    result.append(new_text);
    offset = at + old_text.size();
  }
  result.append(text.slice(offset, whole));
  return result;
}

std::vector<MarkedText> split(const MarkedText& text, std::string_view separator, int64_t count,
                              Side from) {
  const std::string_view bytes = text.bytes();
  std::vector<size_t> cuts;
  if (from == Side::right) {
    for (size_t at = bytes.rfind(separator); at != whole && count != 0; --count) {
      cuts.push_back(at);
      check_pieces(cuts.size());
      at = at < separator.size() ? whole : bytes.rfind(separator, at - separator.size());
    }
    std::reverse(cuts.begin(), cuts.end());
  } else {
    for (size_t at = bytes.find(separator); at != whole && count != 0; --count) {
      cuts.push_back(at);
      check_pieces(cuts.size());
      at = bytes.find(separator, at + separator.size());
    }
  }
  std::vector<MarkedText> parts;
  size_t offset = 0;
  for (size_t cut : cuts) {
    parts.push_back(text.slice(offset, cut - offset));
    offset = cut + separator.size();
  }
  parts.push_back(text.slice(offset, whole));
  return parts;
}

std::vector<MarkedText> split_words(const MarkedText& text, int64_t count, Side from) {
  std::vector<Piece> words = words_of(text.bytes());
  if (count >= 0 && words.size() > static_cast<size_t>(count) + 1) {
    // What is not cut any more stays one piece, inner blanks and those at the far end included.
    const auto cuts = static_cast<std::ptrdiff_t>(count);
    if (from == Side::right) {
      const Piece rest{0, words[words.size() - static_cast<size_t>(count) - 1].end};
      words.erase(words.begin(), words.end() - cuts);
      words.insert(words.begin(), rest);
    } else {
      const Piece rest{words[static_cast<size_t>(count)].begin, text.size()};
      words.erase(words.begin() + cuts, words.end());
      words.push_back(rest);
    }
  }
  std::vector<MarkedText> parts;
  for (const Piece& word : words) parts.push_back(text.slice(word.begin, word.end - word.begin));
  return parts;
}

std::vector<MarkedText> split_lines(const MarkedText& text, bool keeps_ends) {
  const std::string_view bytes = text.bytes();
  std::vector<MarkedText> lines;
  for (size_t offset = 0; offset < bytes.size();) {
    const size_t end = std::min(bytes.find_first_of("\r\n", offset), bytes.size());
    size_t next = std::min(end + 1, bytes.size());
    if (bytes.substr(end).starts_with("\r\n")) ++next;
    lines.push_back(text.slice(offset, (keeps_ends ? next : end) - offset));
    check_pieces(lines.size());
    offset = next;
  }
  return lines;
}

MarkedText upper(const MarkedText& text) {
  return text.mapped(upper_text);
}
MarkedText lower(const MarkedText& text) {
  return text.mapped(lower_text);
}

MarkedText capitalize(const MarkedText& text) {
  bool is_first = true;
  return text.mapped([&](std::string_view bytes) {
    return change_points(bytes, [&](uint32_t c) {
      return std::exchange(is_first, false) ? to_upper(c) : to_lower(c);
    });
  });
}

MarkedText title(const MarkedText& text, const std::function<bool(uint32_t)>& starts_word) {
  uint32_t previous = ' ';
  return text.mapped([&](std::string_view bytes) {
    return change_points(bytes, [&](uint32_t c) {
      const uint32_t before = std::exchange(previous, c);
      return starts_word(before) ? to_upper(c) : to_lower(c);
    });
  });
}

MarkedText indent(const MarkedText& text, const MarkedText& by, bool first, bool blank) {
  const std::vector<MarkedText> lines = split(text, "\n", -1, Side::left);
  MarkedText result;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) result.append("\n", true);
    const bool is_moved = i == 0 ? first : (blank || !lines[i].is_empty());
    if (is_moved) result.append(by);
    result.append(lines[i]);
  }
  return result;
}

}  // namespace hearth::modelfile::jinja
