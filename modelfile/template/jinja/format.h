// Values as text: JSON as Python's json.dumps writes it, "%s" and "{}" formatting, HTML escapes,
// dates.
#pragma once

#include <optional>
#include <string>

#include "modelfile/template/jinja/value.h"

namespace hearth::modelfile::jinja {

struct JsonStyle {
  bool is_ascii = false;  // escape everything above 0x7F
  bool sorts_keys = false;
  std::optional<std::string> indent;  // one line when absent
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

// Untrusted as a whole when any string inside is. Throws for values JSON does not have.
MarkedText json_text(const Value& value, const JsonStyle& style, Budget& budget);

// '%s is %d' % arguments; a tuple gives several arguments, a dict those of %(name)s.
MarkedText format_percent(const MarkedText& format, const Value& arguments, Budget& budget);
// '{} {0} {name:>5}'.format(...)
MarkedText format_braces(const MarkedText& format, const Arguments& arguments, Budget& budget);

MarkedText escape_html(const MarkedText& text);

}  // namespace hearth::modelfile::jinja
