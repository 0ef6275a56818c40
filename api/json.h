// Reading JSON as leniently as Go's decoder does, because clients rely on it: keys match without
// regard to case, unknown keys are ignored, the last of equal keys wins, null means "not given",
// only the first value of a body counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modelfile/chat.h"

namespace hearth::api {

using modelfile::Json;

// The first JSON value of `body`, which must be an object. Bytes that are not UTF-8 and halves of
// surrogate pairs become U+FFFD. Throws Error{invalid_argument}: empty body, malformed JSON with
// its position, nesting deeper than 128.
Json parse_body(std::string_view body);

// Compact, on one line; what is not UTF-8 becomes U+FFFD.
std::string to_line(const Json& value);

// Looks at one object. `what` stands before field names in messages ("messages[2]."). Both must
// outlive it. All readers: absent when the key is not there or null; Error{invalid_argument} naming
// the field, the expected and the found type otherwise.
class Fields {
 public:
  // Throws Error{invalid_argument} when `object` is not an object.
  explicit Fields(const Json& object, std::string_view what = "");

  // Null pointer when absent or null.
  const Json* find(std::string_view key) const;

  std::optional<std::string> text(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<int64_t> integer(std::string_view key) const;  // 3.0 counts as 3
  std::optional<double> number(std::string_view key) const;
  const Json* object(std::string_view key) const;  // null pointer when absent
  const Json* array(std::string_view key) const;
  std::optional<std::vector<std::string>> texts(std::string_view key) const;

  // Names of fields that hold something and that nobody has asked for so far, fit for a header:
  // short and plain. At most 20.
  std::vector<std::string> unread() const;

  // Throws Error{invalid_argument} "<field>: expected <expected>, found <type of value>".
  [[noreturn]] void fail(std::string_view key, std::string_view expected, const Json& found) const;

 private:
  const Json& object_;
  std::string_view what_;
  mutable std::vector<std::string> asked_;  // in lower case
};

// A warning for each field that was not read and holds something: "<what><field> has no effect".
void note_unread(const Fields& fields, std::vector<std::string>& warnings);

}  // namespace hearth::api
