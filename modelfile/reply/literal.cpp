#include "modelfile/reply/literal.h"

#include <cctype>
#include <cstdint>

#include "base/utf8.h"
#include "modelfile/reply/call_body.h"

namespace hearth::modelfile::reply {
namespace {

// Values inside of values, this deep.
constexpr int depth_max = 64;

bool is_name_letter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '-' ||
         letter == '.';
}

void append_utf8(std::string& text, uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | (code >> 6));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    text += static_cast<char>(0xE0 | (code >> 12));
    text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// Appends what the escape at text[place] (behind the backslash) means. Gives the place behind it.
size_t unescape(std::string_view text, size_t place, std::string& out) {
  const char letter = text[place];
  if (letter == 'u' && place + 4 < text.size()) {
    uint32_t code = 0;
    size_t digits = 0;
    for (; digits < 4; ++digits) {
      const char digit = text[place + 1 + digits];
      if (std::isxdigit(static_cast<unsigned char>(digit)) == 0) break;
      code =
          code * 16 + static_cast<uint32_t>(digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10);
    }
    if (digits == 4 && (code < 0xD800 || code > 0xDFFF)) {
      append_utf8(out, code);
      return place + 5;
    }
  }
  constexpr std::string_view names = "ntrbf0";
  constexpr std::string_view values("\n\t\r\b\f\0", 6);
  const size_t known = names.find(letter);
  if (known != std::string_view::npos) {
    out += values[known];
  } else if (letter == '\\' || letter == '"' || letter == '\'' || letter == '/') {
    out += letter;
  } else {
    out += '\\';
    out += letter;
  }
  return place + 1;
}

}  // namespace

bool LiteralReader::has_letter() {
  place_ = skip_blanks(text_, place_);
  if (place_ < text_.size()) return true;
  is_short_ = true;
  return false;
}

bool LiteralReader::is_next(char letter) {
  return has_letter() && text_[place_] == letter;
}

bool LiteralReader::take(char letter) {
  if (!is_next(letter)) return false;
  ++place_;
  return true;
}

std::optional<std::string> LiteralReader::name() {
  if (!has_letter()) return std::nullopt;
  size_t end = place_;
  while (end < text_.size() && is_name_letter(text_[end])) ++end;
  if (end == text_.size()) is_short_ = true;
  if (end == text_.size() || end == place_) return std::nullopt;
  std::string result(text_.substr(place_, end - place_));
  place_ = end;
  return result;
}

std::optional<Json> LiteralReader::value(int depth) {
  if (!has_letter() || depth > depth_max) return std::nullopt;
  if (!rules_.quote.empty()) {
    const Match match = match_at(text_, place_, rules_.quote);
    if (match == Match::yes) return quoted(rules_.quote, false);
    if (match == Match::maybe) {
      is_short_ = true;
      return std::nullopt;
    }
  }
  const char letter = text_[place_];
  if (letter == '"') return quoted("\"", true);
  if (letter == '\'' && !rules_.allows_bare_text) return quoted("'", true);
  if (letter == '[') return list(']', depth);
  if (letter == '(') return list(')', depth);
  if (letter == '{') return object(depth);
  return word();
}

std::optional<Json> LiteralReader::list(char close, int depth) {
  ++place_;
  Json result = Json::array();
  while (!take(close)) {
    if (is_short_) return std::nullopt;
    std::optional<Json> entry = value(depth + 1);
    if (!entry) return std::nullopt;
    result.push_back(std::move(*entry));
    if (!take(',') && (is_short_ || !is_next(close))) return std::nullopt;
  }
  return result;
}

std::optional<std::string> LiteralReader::key(int depth) {
  if (!has_letter()) return std::nullopt;
  const char letter = text_[place_];
  const bool may_be_quoted =
      letter == '"' || letter == '\'' ||
      (!rules_.quote.empty() && match_at(text_, place_, rules_.quote) != Match::no);
  if (may_be_quoted || !rules_.has_bare_keys) {
    const std::optional<Json> text = value(depth + 1);
    if (!text || !text->is_string()) return std::nullopt;
    return text->get<std::string>();
  }
  const size_t end = text_.find_first_of(":,{}[]", place_);
  if (end == std::string_view::npos) is_short_ = true;
  if (end == std::string_view::npos || text_[end] != ':') return std::nullopt;
  const std::string_view word = text_.substr(place_, end - place_);
  place_ = end;
  return std::string(word.substr(0, word.find_last_not_of(blanks) + 1));
}

std::optional<Json> LiteralReader::object(int depth) {
  ++place_;
  Json result = Json::object();
  while (!take('}')) {
    if (is_short_) return std::nullopt;
    const std::optional<std::string> name = key(depth);
    if (!name || !take(':')) return std::nullopt;
    std::optional<Json> entry = value(depth + 1);
    if (!entry) return std::nullopt;
    result[*name] = std::move(*entry);
    if (!take(',') && (is_short_ || !is_next('}'))) return std::nullopt;
  }
  return result;
}

std::optional<Json> LiteralReader::quoted(std::string_view quote, bool has_escapes) {
  std::string result;
  size_t at = place_ + quote.size();
  while (at < text_.size()) {
    if (text_.substr(at).starts_with(quote)) {
      place_ = at + quote.size();
      return Json(repair_utf8(result));
    }
    if (has_escapes && text_[at] == '\\') {
      if (at + 1 >= text_.size()) break;
      at = unescape(text_, at + 1, result);
    } else {
      result += text_[at++];
    }
  }
  is_short_ = true;
  return std::nullopt;
}

// true, None, 12, -1.5e3, and bare text where that is allowed.
std::optional<Json> LiteralReader::word() {
  const size_t end = text_.find_first_of(rules_.allows_bare_text ? ",}])" : ",}]) \t\r\n", place_);
  if (end == std::string_view::npos) {
    is_short_ = true;
    return std::nullopt;
  }
  std::string_view text = text_.substr(place_, end - place_);
  text = text.substr(0, text.find_last_not_of(blanks) + 1);
  place_ = end;
  if (text == "true" || text == "True") return Json(true);
  if (text == "false" || text == "False") return Json(false);
  if (text == "null" || text == "None") return Json(nullptr);
  Json number = Json::parse(text, nullptr, false);
  if (number.is_number()) return number;
  if (rules_.allows_bare_text) return Json(repair_utf8(std::string(text)));
  return std::nullopt;
}

}  // namespace hearth::modelfile::reply
