// Values as programs write them: Python's literals, JSON, and the bare words of some models.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "modelfile/chat.h"

namespace hearth::modelfile::reply {

// Reads values from a text of which the end may still be missing. After a failed read, `is_short`
// tells whether more text may help.
class LiteralReader {
 public:
  struct Rules {
    std::string_view quote;         // around strings beside " and '; empty: none
    bool allows_bare_text = false;  // a value may be text up to the next , } ] )
    bool has_bare_keys = false;     // keys of objects are not quoted
  };
  LiteralReader(std::string_view text, const Rules& rules) : text_(text), rules_(rules) {}

  size_t place() const { return place_; }
  bool is_short() const { return is_short_; }

  // Skips blanks, then this letter. False: something else is there, or nothing yet.
  bool take(char letter);
  // Whether the next letter that is no blank is this one; false too where there is none yet.
  bool is_next(char letter);
  // Letters, digits, _ - and dots. Absent: there is none, or its end is not there yet.
  std::optional<std::string> name();
  std::optional<Json> value() { return value(0); }

 private:
  std::optional<Json> value(int depth);
  std::optional<Json> list(char close, int depth);
  std::optional<Json> object(int depth);
  std::optional<Json> quoted(std::string_view quote, bool has_escapes);
  std::optional<Json> word();
  std::optional<std::string> key(int depth);
  // False, with is_short set where the text is at its end.
  bool has_letter();

  std::string_view text_;
  Rules rules_;
  size_t place_ = 0;
  bool is_short_ = false;
};

}  // namespace hearth::modelfile::reply
