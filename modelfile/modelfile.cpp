#include "modelfile/modelfile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/nearest_word.h"
#include "base/utf8.h"

namespace hearth::modelfile {
namespace {

constexpr std::array<std::string_view, 11> keywords{"FROM",      "LICENSE", "TEMPLATE", "SYSTEM",
                                                    "ADAPTER",   "DRAFT",   "RENDERER", "PARSER",
                                                    "PARAMETER", "MESSAGE", "REQUIRES"};
constexpr std::string_view block_quote = "\"\"\"";

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
bool is_newline(char c) {
  return c == '\n' || c == '\r';
}
bool is_space(char c) {
  return is_blank(c) || is_newline(c) || c == '\v' || c == '\f';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_name_character(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n\v\f");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\v\f") - first + 1);
}

uint32_t utf16_unit(std::string_view bytes, size_t offset, bool is_big_endian) {
  const auto low = static_cast<unsigned char>(bytes[offset + (is_big_endian ? 1 : 0)]);
  const auto high = static_cast<unsigned char>(bytes[offset + (is_big_endian ? 0 : 1)]);
  return static_cast<uint32_t>(high << 8 | low);
}

std::string from_utf16(std::string_view bytes, bool is_big_endian) {
  std::string text;
  for (size_t offset = 0; offset + 1 < bytes.size(); offset += 2) {
    uint32_t unit = utf16_unit(bytes, offset, is_big_endian);
    const bool is_pair = unit >= 0xD800 && unit < 0xDC00 && offset + 3 < bytes.size();
    if (is_pair) {
      const uint32_t second = utf16_unit(bytes, offset + 2, is_big_endian);
      if (second >= 0xDC00 && second < 0xE000) {
        unit = 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00);
        offset += 2;
      }
    }
    append_utf8(text, unit >= 0xD800 && unit < 0xE000 ? 0xFFFD : unit);
  }
  return text;
}

// Editors on other systems write byte order marks and UTF-16.
std::string to_utf8(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return std::string(bytes.substr(3));
  if (bytes.starts_with("\xFE\xFF")) return from_utf16(bytes.substr(2), true);
  if (bytes.starts_with("\xFF\xFE")) return from_utf16(bytes.substr(2), false);
  return std::string(bytes);
}

[[noreturn]] void fail(int line, std::string_view reason) {
  throw Error(ErrorCode::invalid_argument, fmt::format("(line {}): {}", line, reason));
}

std::string all_keywords() {
  std::string list;
  for (std::string_view word : keywords)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", word);
  return list;
}

// "; did you mean SYSTEM?" for a word that is nearly one of the commands, else all of them.
std::string hint_for(std::string_view word) {
  NearestWord nearest(word);
  for (const std::string_view keyword : keywords) nearest.consider(keyword);
  if (!nearest.found().empty()) return fmt::format("; did you mean {}?", nearest.found());
  return fmt::format("; commands are {}", all_keywords());
}

// The value without its quotes; absent while a quotation is still open. There are no escapes inside
// quotes.
std::optional<std::string_view> unquoted(std::string_view text) {
  if (text.starts_with(block_quote)) {
    if (text.size() < 6 || !text.ends_with(block_quote)) return std::nullopt;
    return text.substr(3, text.size() - 6);
  }
  if (text.starts_with('"')) {
    if (text.size() < 2 || !text.ends_with('"')) return std::nullopt;
    return text.substr(1, text.size() - 2);
  }
  return text;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Modelfile parse() {
    Modelfile modelfile;
    bool has_from = false;
    while (skip_to_command()) {
      modelfile.commands.push_back(parse_command());
      has_from = has_from || modelfile.commands.back().kind == CommandKind::from;
    }
    if (!has_from)
      throw Error(ErrorCode::invalid_argument,
                  "no FROM line: a Modelfile says which model it starts from");
    return modelfile;
  }

 private:
  bool at_end() const { return offset_ >= text_.size(); }
  char peek() const { return text_[offset_]; }
  void advance() {
    if (text_[offset_++] == '\n') ++line_;
  }
  void skip_blanks() {
    while (!at_end() && is_blank(peek())) advance();
  }

  // Comments stand only where a command may start.
  bool skip_to_command() {
    while (!at_end()) {
      if (peek() == '#') {
        while (!at_end() && !is_newline(peek())) advance();
      } else if (is_blank(peek()) || is_newline(peek())) {
        advance();
      } else {
        return true;
      }
    }
    return false;
  }

  Command parse_command() {
    const int line = line_;
    Command command{.kind = parse_keyword(), .key = {}, .value = {}, .line = line};
    if (command.kind == CommandKind::parameter) command.key = parse_key("parameter");
    if (command.kind == CommandKind::message) command.key = parse_role();
    command.value = parse_value(line);
    const bool needs_value = command.kind == CommandKind::from ||
                             command.kind == CommandKind::adapter ||
                             command.kind == CommandKind::draft;
    if (needs_value && command.value.empty())
      fail(line, fmt::format("{} needs an argument", keyword(command.kind)));
    return command;
  }

  CommandKind parse_keyword() {
    const int line = line_;
    std::string word;
    while (!at_end() && !is_blank(peek()) && !is_newline(peek()) && word.size() < 40) {
      word += upper(peek());
      advance();
    }
    for (size_t i = 0; i < keywords.size(); ++i) {
      if (word != keywords[i]) continue;
      if (at_end()) fail(line, fmt::format("unexpected EOF: {} needs an argument", word));
      if (is_newline(peek())) fail(line, fmt::format("{} needs an argument", word));
      advance();
      return static_cast<CommandKind>(i);
    }
    fail(line, fmt::format("unknown command \"{}\"{}", repair_utf8(word), hint_for(word)));
  }

  std::string parse_key(std::string_view what) {
    skip_blanks();
    std::string key;
    while (!at_end() && is_name_character(peek())) {
      key += peek();
      advance();
    }
    if (at_end()) fail(line_, fmt::format("unexpected EOF: {} {} needs a value", what, key));
    if (key.empty() || !is_blank(peek())) {
      fail(line_,
           fmt::format("expected the name of a {}, a space and its value after \"{}\"", what, key));
    }
    advance();
    return key;
  }

  std::string parse_role() {
    const int line = line_;
    std::string role = parse_key("message");
    if (role == "system" || role == "user" || role == "assistant") return role;
    fail(line, fmt::format("message role must be system, user or assistant, found \"{}\"", role));
  }

  // Only a newline ends a value, and only outside of quotes. The visible ends are kept along the
  // way: trimming at every line again would take quadratic time.
  std::string parse_value(int line) {
    skip_blanks();
    const size_t start = offset_;
    size_t end = start;  // behind the last visible character
    for (; !at_end(); advance()) {
      if (is_newline(peek())) {
        if (const auto value = unquoted(text_.substr(start, end - start)))
          return std::string(*value);
      } else if (!is_space(peek())) {
        end = offset_ + 1;
      }
    }
    const auto value = unquoted(text_.substr(start, end - start));
    if (!value) fail(line, "unexpected EOF: a quotation is not closed");
    return std::string(*value);
  }

  std::string_view text_;
  size_t offset_ = 0;
  int line_ = 1;
};

// Line breaks after three quotes would end the quotation; see print_modelfile's contract.
std::string without_early_ends(std::string_view value) {
  std::string safe(value);
  int quotes = 0;  // in a row before this place; blanks may follow them
  char previous = '\0';
  for (char& c : safe) {
    if (is_newline(c) && quotes >= 3) c = ' ';
    if (c == '"') quotes = previous == '"' ? quotes + 1 : 1;
    if (c != '"' && !is_space(c)) quotes = 0;
    previous = c;
  }
  return safe;
}

std::string quoted(std::string_view value) {
  const bool has_newline = value.find_first_of("\r\n") != std::string_view::npos;
  const bool is_bare =
      !value.empty() && !has_newline && trimmed(value) == value && value.front() != '"';
  if (is_bare) return std::string(value);
  if (value.find('"') == std::string_view::npos) return fmt::format("\"{}\"", value);
  return fmt::format("{0}{1}{0}", block_quote, without_early_ends(value));
}

}  // namespace

std::string_view keyword(CommandKind kind) {
  return keywords[static_cast<size_t>(kind)];
}

std::string_view Modelfile::last(CommandKind kind) const {
  for (auto command = commands.rbegin(); command != commands.rend(); ++command) {
    if (command->kind == kind) return command->value;
  }
  return {};
}

std::vector<std::string> Modelfile::all(CommandKind kind) const {
  std::vector<std::string> values;
  for (const Command& command : commands) {
    if (command.kind == kind) values.push_back(command.value);
  }
  return values;
}

Modelfile parse_modelfile(std::string_view bytes) {
  const std::string text = to_utf8(bytes);
  return Parser(text).parse();
}

std::string print_modelfile(const Modelfile& modelfile) {
  std::string text;
  for (const Command& command : modelfile.commands) {
    text += keyword(command.kind);
    text += ' ';
    if (!command.key.empty()) text += command.key + ' ';
    text += quoted(command.value) + '\n';
  }
  return text;
}

}  // namespace hearth::modelfile
