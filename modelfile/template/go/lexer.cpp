#include "modelfile/template/go/lexer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace hearth::modelfile::go {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c) ||
         static_cast<unsigned char>(c) >= 0x80;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Token> run() {
    bool trims = false;
    while (true) {
      const size_t open = std::min(source_.find("{{", at_), source_.size());
      const bool trims_before = begins_trimmed(open);
      write_text(open, trims, trims_before);
      if (open == source_.size()) break;
      at_ = open + 2 + (trims_before ? 1 : 0);
      trims = read_action();
    }
    add(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return source_.substr(at_); }
  bool is_at_end() const { return at_ >= source_.size(); }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  void add(TokenKind kind, std::string text, bool is_attached = false) {
    tokens_.push_back({kind, std::move(text), line_, is_attached});
  }

  void advance_to(size_t end) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    at_ = end;
  }

  // Whether "{{" at `open` is followed by "- ": the dash needs white space, {{-3}} is a number.
  bool begins_trimmed(size_t open) const {
    return open + 3 < source_.size() && source_[open + 2] == '-' && is_space(source_[open + 3]);
  }

  void write_text(size_t end, bool trims_front, bool trims_back) {
    std::string_view text = source_.substr(at_, end - at_);
    if (trims_back) text = trim_end(text);
    size_t front = 0;
    while (trims_front && front < text.size() && is_space(text[front])) ++front;
    if (front < text.size()) add(TokenKind::text, std::string(text.substr(front)));
    advance_to(end);
  }

  // True when the action ends with " -}}".
  bool read_action() {
    size_t comment = at_;
    while (comment < source_.size() && is_space(source_[comment])) ++comment;
    if (source_.substr(comment, 2) == "/*") return read_comment(comment);
    add(TokenKind::action_begin, "");
    while (true) {
      const size_t before = at_;
      while (!is_at_end() && is_space(peek())) advance_to(at_ + 1);
      const bool is_attached = before == at_;
      if (!is_attached && rest().starts_with("-}}")) {
        add(TokenKind::action_end, "");
        at_ += 3;
        return true;
      }
      if (rest().starts_with("}}")) {
        add(TokenKind::action_end, "");
        at_ += 2;
        return false;
      }
      if (is_at_end()) fail_at(line_, "expected }} before the end of the template");
      read_token(is_attached);
    }
  }

  bool read_comment(size_t start) {
    const size_t close = source_.find("*/", start + 2);
    if (close == std::string_view::npos) fail_at(line_, "a comment is not closed");
    advance_to(close + 2);
    size_t end = at_;
    while (end < source_.size() && is_space(source_[end])) ++end;
    const bool trims = end > at_ && source_.substr(end, 3) == "-}}";
    if (!trims && source_.substr(at_, 2) != "}}")
      fail_at(line_, "expected }} directly behind a comment");
    advance_to(trims ? end + 3 : at_ + 2);
    return trims;
  }

  void read_token(bool is_attached) {
    const char c = peek();
    if (c == '"') return read_string(is_attached);
    if (c == '`') return read_raw_string(is_attached);
    if (c == '\'') return read_character(is_attached);
    if (rest().starts_with(":=")) return take(TokenKind::op, 2, is_attached);
    if (c == '(' || c == ')' || c == '|' || c == ',' || c == '=')
      return take(TokenKind::op, 1, is_attached);
    if (is_digit(c) || ((c == '+' || c == '-' || c == '.') && is_digit(peek(1))) ||
        ((c == '+' || c == '-') && peek(1) == '.' && is_digit(peek(2))))
      return read_number(is_attached);
    if (c == '.') return read_name(TokenKind::field, is_attached);
    if (c == '$') return read_name(TokenKind::variable, is_attached);
    if (is_name_part(c)) return read_name(TokenKind::identifier, is_attached);
    fail_at(line_, fmt::format("unexpected character '{}' in an action", c));
  }

  void take(TokenKind kind, size_t count, bool is_attached) {
    add(kind, std::string(rest().substr(0, count)), is_attached);
    at_ += count;
  }

  void read_name(TokenKind kind, bool is_attached) {
    const size_t prefix = kind == TokenKind::identifier ? 0 : 1;
    size_t end = at_ + prefix;
    while (end < source_.size() && is_name_part(source_[end])) ++end;
    std::string name(source_.substr(at_, end - at_));
    if (kind == TokenKind::field) name.erase(0, 1);
    if (kind == TokenKind::field && name.empty()) kind = TokenKind::dot;
    add(kind, repair_utf8(name), is_attached);
    at_ = end;
  }

  void read_number(bool is_attached) {
    size_t end = at_ + 1;
    while (end < source_.size()) {
      const char c = source_[end];
      const char before = source_[end - 1];
      const bool is_exponent_sign = (c == '+' || c == '-') && (before == 'e' || before == 'E') &&
                                    source_.substr(at_, 2) != "0x";
      if (!is_name_part(c) && c != '.' && !is_exponent_sign) break;
      ++end;
    }
    take(TokenKind::number, end - at_, is_attached);
  }

  void read_raw_string(bool is_attached) {
    const size_t close = source_.find('`', at_ + 1);
    if (close == std::string_view::npos) fail_at(line_, "a raw string is not closed");
    std::string text(source_.substr(at_ + 1, close - at_ - 1));
    text.erase(std::remove(text.begin(), text.end(), '\r'), text.end());
    add(TokenKind::string, repair_utf8(text), is_attached);
    advance_to(close + 1);
  }

  void read_string(bool is_attached) {
    ++at_;
    std::string text;
    while (peek() != '"') {
      if (is_at_end() || peek() == '\n') fail_at(line_, "a string is not closed");
      read_unit(text);
    }
    ++at_;
    add(TokenKind::string, repair_utf8(text), is_attached);
  }

  void read_character(bool is_attached) {
    ++at_;
    std::string text;
    if (is_at_end() || peek() == '\n' || peek() == '\'') fail_at(line_, "bad character constant");
    read_unit(text);
    while (!is_at_end() && !is_valid_utf8(text) && peek() != '\'') read_unit(text);
    if (peek() != '\'') fail_at(line_, "a character constant is not closed");
    ++at_;
    const uint32_t value = text.empty() ? 0 : decode_utf8(text).value;
    add(TokenKind::character, fmt::format("{}", value), is_attached);
  }

  // One byte or one escape.
  void read_unit(std::string& text) {
    if (peek() != '\\') {
      text += source_[at_++];
      return;
    }
    const char escape = peek(1);
    at_ += 2;
    static constexpr std::string_view letters = "abfnrtv\\'\"";
    static constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\'\"";
    if (const size_t at = letters.find(escape); at != std::string_view::npos && escape != '\0') {
      text += meanings[at];
    } else if (escape == 'x') {
      text += static_cast<char>(read_digits(2, 16));
    } else if (escape == 'u' || escape == 'U') {
      const uint32_t value = read_digits(escape == 'u' ? 4 : 8, 16);
      append_utf8(text, value > 0x10FFFF || (value >= 0xD800 && value < 0xE000) ? 0xFFFD : value);
    } else if (escape >= '0' && escape <= '7') {
      --at_;
      text += static_cast<char>(read_digits(3, 8));
    } else {
      fail_at(line_, "unknown escape in a string");
    }
  }

  uint32_t read_digits(int count, int base) {
    uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      const int digit = hex_digit(peek());
      if (digit < 0 || digit >= base) fail_at(line_, "bad escape in a string");
      value = value * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
      ++at_;
    }
    return value;
  }

  std::string_view source_;
  size_t at_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  return Lexer(source).run();
}

void fail_at(int line, std::string_view message) {
  throw Error(ErrorCode::invalid_argument, fmt::format("template line {}: {}", line, message));
}

}  // namespace hearth::modelfile::go
