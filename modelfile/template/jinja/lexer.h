// Jinja source -> tokens, with the white-space rules that transformers sets: trim_blocks,
// lstrip_blocks, one newline at the end of the template dropped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::modelfile::jinja {

enum class TokenKind {
  data,            // text outside of tags
  block_begin,     // {%
  block_end,       // %}
  variable_begin,  // {{
  variable_end,    // }}
  name,
  string,   // text holds the value, escapes resolved
  integer,  // text holds decimal digits
  real,     // text holds the number without underscores
  op,       // text holds the operator
  end,
};

struct Token {
  TokenKind kind;
  std::string text;
  int line;
};

// Ends with a token of kind `end`. Throws Error{invalid_argument} with the line.
std::vector<Token> tokenize(std::string_view source);

// "template line 7: message" as Error{invalid_argument}.
[[noreturn]] void fail_at(int line, std::string_view message);

}  // namespace hearth::modelfile::jinja
