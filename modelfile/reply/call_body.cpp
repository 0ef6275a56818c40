#include "modelfile/reply/call_body.h"

#include <algorithm>

namespace hearth::modelfile::reply {
namespace {

CallBody read_by(const CallStyle& style, BodyInput input, size_t skipped) {
  const BodyInput inner{input.text.substr(skipped), style, input.tools, input.is_end};
  CallBody body;
  switch (style.syntax) {
    case Syntax::named_json:
      body = read_named_json(inner);
      break;
    case Syntax::parameters:
    case Syntax::messages:
      body = read_parameters(inner);
      break;
    case Syntax::pythonic:
      body = read_pythonic(inner);
      break;
    case Syntax::key_value:
      body = read_key_value(inner);
      break;
    case Syntax::json:
      body = read_json(inner);
      break;
  }
  if (body.state != CallBody::State::more) body.end += skipped;
  return body;
}

// Whether the text is JSON, whatever the style. Calls in Python stand in brackets too.
Match is_json(const BodyInput& input, size_t begin) {
  const char letter = input.text[begin];
  if (letter == '{') return Match::yes;
  if (letter != '[') return Match::no;
  if (input.style.syntax != Syntax::pythonic) return Match::yes;
  const size_t next = skip_blanks(input.text, begin + 1);
  if (next == input.text.size()) return Match::maybe;
  return input.text[next] == '{' ? Match::yes : Match::no;
}

}  // namespace

CallBody read_body(const BodyInput& input) {
  const size_t begin = skip_blanks(input.text, 0);
  if (begin == input.text.size()) return {};
  const Match json = is_json(input, begin);
  if (json == Match::maybe) return {};
  if (json == Match::yes) return read_json(input);
  const std::vector<const CallStyle*> styles = styles_like(input.style);
  bool may_begin = false;
  for (const CallStyle* style : styles) {
    const Match item = match_at(input.text, begin, style->item_open);
    if (item == Match::yes) return read_by(*style, input, begin + style->item_open.size());
    may_begin = may_begin || item == Match::maybe;
  }
  if (may_begin && !input.is_end) return {};
  for (const CallStyle* style : styles) {
    const bool reads_text = style->syntax != Syntax::json || styles.size() == 1;
    if (style->item_open.empty() && reads_text) return read_by(*style, input, begin);
  }
  return CallBody::broken(0, "what stands in place of a call is none");
}

bool begins_call(std::string_view text, const CallStyle& style) {
  if (text.empty()) return false;
  if (text.front() == '{' || text.front() == '[') return true;
  if (style.syntax == Syntax::pythonic && !style.close.empty()) return true;
  return match_at(text, 0, style.item_open) == Match::yes;
}

}  // namespace hearth::modelfile::reply
