// Reads one call (or one list of calls) whose first bytes are there. Each reader looks at the text
// as if for the first time and says the same however much of it has come: more is needed, this is
// a call and ends here, or this is none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modelfile/reply/styles.h"
#include "modelfile/reply/tool_set.h"

namespace hearth::modelfile::reply {

struct CallBody {
  enum class State : uint8_t { more, done, broken };
  State state = State::more;
  size_t end = 0;               // done: behind the calls; broken: what of it is certainly none
  std::vector<ToolCall> calls;  // names as the model wrote them
  std::string problem;          // broken: for people

  static CallBody done(size_t end, std::vector<ToolCall> calls) {
    return {State::done, end, std::move(calls), {}};
  }
  static CallBody broken(size_t end, std::string problem) {
    return {State::broken, end, {}, std::move(problem)};
  }
};

struct BodyInput {
  std::string_view text;
  const CallStyle& style;
  const ToolSet& tools;
  bool is_end = false;  // nothing will follow
};

constexpr std::string_view blanks = " \t\r\n";
// Names, headers and keys are shorter; what is not is prose.
constexpr size_t name_bytes_max = 512;

CallBody read_json(const BodyInput& input);
CallBody read_named_json(const BodyInput& input);
CallBody read_parameters(const BodyInput& input);
CallBody read_pythonic(const BodyInput& input);
CallBody read_key_value(const BodyInput& input);

// By the style's syntax, but JSON is understood everywhere; and by another style with the same tag
// where the text is evidently of that one.
CallBody read_body(const BodyInput& input);

// Whether a call begins here that follows another one without a tag of its own.
bool begins_call(std::string_view text, const CallStyle& style);

// The first place at `from` or behind it that is no blank; the end where there is none.
inline size_t skip_blanks(std::string_view text, size_t from) {
  return std::min(text.find_first_not_of(blanks, from), text.size());
}

// Whether the text from `place` on begins with `tag`, or may do so once more of it is there.
enum class Match : uint8_t { no, maybe, yes };
inline Match match_at(std::string_view text, size_t place, std::string_view tag) {
  const std::string_view rest = text.substr(std::min(place, text.size()));
  if (tag.empty()) return Match::no;
  if (rest.starts_with(tag)) return Match::yes;
  return tag.starts_with(rest) ? Match::maybe : Match::no;
}

// Where the JSON object or array that begins at `begin` ends; absent while it is not complete.
std::optional<size_t> json_end(std::string_view text, size_t begin);
// As JSON; raw line ends and tabs inside of strings, which models write, are forgiven. Discarded
// when it is none.
Json parse_json(std::string_view text);

}  // namespace hearth::modelfile::reply
