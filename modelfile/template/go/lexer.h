// Source of a Go template -> tokens: texts outside of {{ }} with the white space trimmed that {{-
// and -}} ask for, and what stands inside of the brackets. Comments are gone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::modelfile::go {

enum class TokenKind {
  text,          // outside of {{ }}
  action_begin,  // {{
  action_end,    // }}
  identifier,    // also keywords, true, false, nil
  field,         // .Name: text without the dot
  dot,           // . alone
  variable,      // $name, with the $
  string,        // escapes resolved
  character,     // 'x': text holds the decimal code point
  number,
  op,  // ( ) | , = :=
  end,
};

struct Token {
  TokenKind kind;
  std::string text;
  int line;
  bool is_attached;  // no white space in front
};

// Ends with a token of kind `end`. Throws Error{invalid_argument} with the line.
std::vector<Token> tokenize(std::string_view source);

// "template line 7: message" as Error{invalid_argument}.
[[noreturn]] void fail_at(int line, std::string_view message);

}  // namespace hearth::modelfile::go
