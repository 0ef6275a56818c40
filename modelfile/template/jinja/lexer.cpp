#include "modelfile/template/jinja/lexer.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/error.h"
#include "base/utf8.h"
#include "modelfile/template/jinja/unicode.h"

namespace hearth::modelfile::jinja {
namespace {

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_decimal(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_part(char c) {
  return is_name_start(c) || is_decimal(c);
}

std::string with_unix_newlines(std::string_view source) {
  std::string text;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') text += source[i];
    if (source[i] == '\r') text += '\n';
    if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (text.ends_with('\n')) text.pop_back();
  return repair_utf8(text);
}

size_t skip_space(std::string_view text, size_t offset) {
  while (offset < text.size()) {
    const CodePoint point = decode_utf8(text.substr(offset));
    if (!is_space(point.value)) break;
    offset += static_cast<size_t>(point.size_bytes);
  }
  return offset;
}

// Length of `text` without the white space at its end.
size_t trimmed_size(std::string_view text) {
  size_t end = 0;
  for (size_t offset = 0; offset < text.size();) {
    const CodePoint point = decode_utf8(text.substr(offset));
    offset += static_cast<size_t>(point.size_bytes);
    if (!is_space(point.value)) end = offset;
  }
  return end;
}

// Python's escapes inside a string literal.
class StringLiteral {
 public:
  StringLiteral(std::string_view raw, int line) : raw_(raw), line_(line) {}

  std::string decode() {
    while (offset_ < raw_.size()) {
      if (raw_[offset_] != '\\' || offset_ + 1 >= raw_.size()) {
        out_ += raw_[offset_++];
      } else {
        ++offset_;
        decode_escape(raw_[offset_++]);
      }
    }
    return std::move(out_);
  }

 private:
  void decode_escape(char c) {
    static constexpr std::string_view letters = "abfnrtv\\'\"";
    static constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\'\"";
    if (const size_t at = letters.find(c); at != std::string_view::npos) {
      out_ += meanings[at];
    } else if (c == '\n') {
      return;  // a line continued
    } else if (c == 'x') {
      append_number(2, 16);
    } else if (c == 'u') {
      append_number(4, 16);
    } else if (c == 'U') {
      append_number(8, 16);
    } else if (c >= '0' && c <= '7') {
      --offset_;
      append_octal();
    } else {
      out_ += '\\';
      out_ += c;
    }
  }

  void append_number(size_t digits, int base) {
    uint32_t value = 0;
    const std::string_view text = raw_.substr(offset_, digits);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.size() < digits || error != std::errc() || end != text.data() + text.size()) {
      fail_at(line_, "a string holds an escape that is cut short");
    }
    offset_ += digits;
    // Templates written as JSON once may spell one character as a pair of surrogates.
    const bool is_high =
        value >= 0xD800 && value < 0xDC00 && raw_.substr(offset_).starts_with("\\u");
    uint32_t low = 0;
    if (is_high) {
      const std::string_view next = raw_.substr(offset_ + 2, 4);
      std::from_chars(next.data(), next.data() + next.size(), low, 16);
    }
    if (low >= 0xDC00 && low < 0xE000) {
      offset_ += 6;
      value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
    }
    const bool is_valid = value < 0x110000 && !(value >= 0xD800 && value < 0xE000);
    append_utf8(out_, is_valid ? value : 0xFFFD);
  }

  void append_octal() {
    uint32_t value = 0;
    for (int i = 0; i < 3 && offset_ < raw_.size() && raw_[offset_] >= '0' && raw_[offset_] <= '7';
         ++i) {
      value = value * 8 + static_cast<uint32_t>(raw_[offset_++] - '0');
    }
    append_utf8(out_, value);
  }

  std::string_view raw_;
  int line_;
  size_t offset_ = 0;
  std::string out_;
};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Token> run() {
    while (offset_ < source_.size()) lex_text();
    add(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }

  // Moves on, counting lines. Remembers whether what was passed ended a line.
  void pass(size_t end) {
    for (size_t i = offset_; i < end; ++i) line_ += source_[i] == '\n' ? 1 : 0;
    if (end > offset_) at_line_start_ = source_[end - 1] == '\n';
    offset_ = end;
  }

  size_t find_tag(size_t from) const {
    for (size_t at = source_.find('{', from); at != std::string_view::npos;
         at = source_.find('{', at + 1)) {
      const char next = at + 1 < source_.size() ? source_[at + 1] : '\0';
      if (next == '%' || next == '{' || next == '#') return at;
    }
    return source_.size();
  }

  // Text up to the next tag, and the tag.
  void lex_text() {
    const size_t tag = find_tag(offset_);
    std::string_view text = source_.substr(offset_, tag - offset_);
    const bool has_tag = tag < source_.size();
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    if (has_tag && sign == '-') {
      text = text.substr(0, trimmed_size(text));
    } else if (has_tag && sign != '+' && source_[tag + 1] != '{') {
      text = without_indentation(text);
    }
    if (!text.empty()) add(TokenKind::data, std::string(text));
    pass(tag);
    if (!has_tag) return;
    if (source_[tag + 1] == '#') return lex_comment();
    if (source_[tag + 1] == '%' && lex_raw()) return;
    lex_tag(source_[tag + 1] == '%');
  }

  // lstrip_blocks: blanks between the start of a line and a tag go away.
  std::string_view without_indentation(std::string_view text) const {
    const size_t newline = text.rfind('\n');
    const size_t start = newline == std::string_view::npos ? 0 : newline + 1;
    if (start == 0 && !at_line_start_) return text;
    const bool is_blank = text.find_first_not_of(" \t", start) == std::string_view::npos;
    return is_blank ? text.substr(0, start) : text;
  }

  // Behind the end of a tag at `end`: "-" takes all white space, otherwise one newline goes
  // (trim_blocks).
  size_t after_tag(size_t end, char sign, bool trims_newline) const {
    if (sign == '-') return skip_space(source_, end);
    if (sign != '+' && trims_newline && end < source_.size() && source_[end] == '\n')
      return end + 1;
    return end;
  }

  char char_before(size_t at) const { return at > 0 ? source_[at - 1] : '\0'; }

  void lex_comment() {
    const size_t close = source_.find("#}", offset_ + 2);
    if (close == std::string_view::npos) fail_at(line_, "a comment is not closed");
    const char sign = close > offset_ + 2 ? char_before(close) : '\0';
    pass(after_tag(close + 2, sign, true));
  }

  // {% raw %} ... {% endraw %}. False when the tag is another one.
  bool lex_raw() {
    size_t at = offset_ + 2;
    if (at < source_.size() && (source_[at] == '-' || source_[at] == '+')) ++at;
    at = skip_space(source_, at);
    if (!source_.substr(at).starts_with("raw")) return false;
    at = skip_space(source_, at + 3);
    const bool strips = at < source_.size() && source_[at] == '-';
    if (strips) ++at;
    if (!source_.substr(at).starts_with("%}")) return false;
    const size_t begin = strips ? skip_space(source_, at + 2) : at + 2;
    for (size_t tag = source_.find("{%", begin); tag != std::string_view::npos;
         tag = source_.find("{%", tag + 2)) {
      if (finish_raw(begin, tag)) return true;
    }
    fail_at(line_, "raw is not closed by endraw");
  }

  bool finish_raw(size_t begin, size_t tag) {
    size_t at = tag + 2;
    const char sign = at < source_.size() ? source_[at] : '\0';
    if (sign == '-' || sign == '+') ++at;
    at = skip_space(source_, at);
    if (!source_.substr(at).starts_with("endraw")) return false;
    at = skip_space(source_, at + 6);
    const char end_sign = at < source_.size() ? source_[at] : '\0';
    if (end_sign == '-' || end_sign == '+') ++at;
    if (!source_.substr(at).starts_with("%}")) return false;
    pass(begin);
    std::string_view text = source_.substr(begin, tag - begin);
    if (sign == '-') text = text.substr(0, trimmed_size(text));
    if (sign != '-' && sign != '+') text = without_indentation(text);
    if (!text.empty()) add(TokenKind::data, std::string(text));
    pass(after_tag(at + 2, end_sign, true));
    return true;
  }

  void lex_tag(bool is_block) {
    const std::string_view close = is_block ? "%}" : "}}";
    const int first_line = line_;
    add(is_block ? TokenKind::block_begin : TokenKind::variable_begin, "");
    size_t begin = offset_ + 2;
    if (begin < source_.size() && (source_[begin] == '-' || (is_block && source_[begin] == '+')))
      ++begin;
    pass(begin);
    brackets_.clear();
    for (;;) {
      pass(skip_space(source_, offset_));
      if (offset_ >= source_.size()) fail_at(first_line, "a tag is not closed");
      const char c = source_[offset_];
      const bool is_signed =
          (c == '-' || (is_block && c == '+')) && source_.substr(offset_ + 1).starts_with(close);
      if (brackets_.empty() && (is_signed || source_.substr(offset_).starts_with(close))) {
        add(is_block ? TokenKind::block_end : TokenKind::variable_end, "");
        pass(after_tag(offset_ + (is_signed ? 3 : 2), is_signed ? c : '\0', is_block));
        return;
      }
      lex_token();
    }
  }

  void lex_token() {
    const char c = source_[offset_];
    if (is_decimal(c)) return lex_number();
    if (c == '\'' || c == '"') return lex_string(c);
    if (!is_name_start(c)) return lex_operator();
    size_t end = offset_;
    while (end < source_.size() && is_name_part(source_[end])) ++end;
    add(TokenKind::name, std::string(source_.substr(offset_, end - offset_)));
    pass(end);
  }

  size_t digits_end(size_t at) const {
    while (at < source_.size() && (is_decimal(source_[at]) || source_[at] == '_')) ++at;
    return at;
  }

  static std::string without_underscores(std::string_view text) {
    std::string digits;
    for (char c : text) {
      if (c != '_') digits += c;
    }
    return digits;
  }

  void lex_number() {
    if (lex_prefixed_integer()) return;
    size_t end = digits_end(offset_);
    bool is_real = false;
    // After a dot a number is an index ("a.0.1"), never a fraction.
    const bool may_be_real = char_before(offset_) != '.';
    if (may_be_real && end + 1 < source_.size() && source_[end] == '.' &&
        is_decimal(source_[end + 1])) {
      is_real = true;
      end = digits_end(end + 1);
    }
    if (may_be_real && end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      const size_t sign =
          end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-') ? 1 : 0;
      if (end + 1 + sign < source_.size() && is_decimal(source_[end + 1 + sign])) {
        is_real = true;
        end = digits_end(end + 1 + sign);
      }
    }
    add(is_real ? TokenKind::real : TokenKind::integer,
        without_underscores(source_.substr(offset_, end - offset_)));
    pass(end);
  }

  // 0x1f, 0o17, 0b11
  bool lex_prefixed_integer() {
    if (source_[offset_] != '0' || offset_ + 1 >= source_.size()) return false;
    const char letter = static_cast<char>(source_[offset_ + 1] | 0x20);
    const int base = letter == 'x' ? 16 : (letter == 'o' ? 8 : (letter == 'b' ? 2 : 0));
    if (base == 0) return false;
    size_t end = offset_ + 2;
    while (end < source_.size() && is_name_part(source_[end])) ++end;
    const std::string digits = without_underscores(source_.substr(offset_ + 2, end - offset_ - 2));
    int64_t value = 0;
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || stop != digits.data() + digits.size())
      fail_at(line_, "a number cannot be read");
    add(TokenKind::integer, fmt::format("{}", value));
    pass(end);
    return true;
  }

  void lex_string(char quote) {
    size_t end = offset_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail_at(line_, "a string is not closed");
    add(TokenKind::string,
        StringLiteral(source_.substr(offset_ + 1, end - offset_ - 1), line_).decode());
    pass(end + 1);
  }

  void lex_operator() {
    static constexpr std::array<std::string_view, 26> operators{
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
        "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    for (std::string_view op : operators) {
      if (!source_.substr(offset_).starts_with(op)) continue;
      balance(op);
      add(TokenKind::op, std::string(op));
      return pass(offset_ + op.size());
    }
    fail_at(line_, fmt::format("unexpected character '{}'", source_[offset_]));
  }

  // Inside brackets "}}" closes dicts, not the tag.
  void balance(std::string_view op) {
    if (op == "(") brackets_ += ')';
    if (op == "[") brackets_ += ']';
    if (op == "{") brackets_ += '}';
    if (op != ")" && op != "]" && op != "}") return;
    if (brackets_.empty() || brackets_.back() != op[0])
      fail_at(line_, fmt::format("unexpected '{}'", op));
    brackets_.pop_back();
  }

  std::string_view source_;
  size_t offset_ = 0;
  int line_ = 1;
  bool at_line_start_ = true;
  std::string brackets_;  // closing brackets that are still to come
  std::vector<Token> tokens_;
};

}  // namespace

void fail_at(int line, std::string_view message) {
  throw Error(ErrorCode::invalid_argument, fmt::format("template line {}: {}", line, message));
}

std::vector<Token> tokenize(std::string_view source) {
  const std::string text = with_unix_newlines(source);
  return Lexer(text).run();
}

}  // namespace hearth::modelfile::jinja
