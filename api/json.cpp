#include "api/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/utf8.h"

namespace hearth::api {
namespace {

constexpr int depth_max = 128;
// Each takes up to a hundred bytes of memory, also where it is two bytes of text.
constexpr size_t values_max = 4'000'000;
constexpr std::string_view blank = " \t\r\n";

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

// The code unit of "\uXXXX" at `at`; absent when there is none.
std::optional<uint32_t> escaped_unit(std::string_view text, size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  uint32_t value = 0;
  for (size_t i = at + 2; i < at + 6; ++i) {
    const char digit = lower(text[i]);
    if (digit >= '0' && digit <= '9') {
      value = value * 16 + static_cast<uint32_t>(digit - '0');
    } else if (digit >= 'a' && digit <= 'f') {
      value = value * 16 + static_cast<uint32_t>(digit - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

bool is_high_surrogate(uint32_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}
bool is_low_surrogate(uint32_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

// Walks over the first value of a text: finds its end, refuses deep nesting, mends escapes of lone
// surrogates. What is wrong otherwise is left to the parser, which says it better.
class FirstValue {
 public:
  explicit FirstValue(std::string_view text) : text_(text) {}

  std::string take() {
    while (at_ < text_.size()) {
      const char letter = text_[at_];
      if (is_in_string_) {
        walk_string(letter);
      } else {
        walk_structure(letter);
      }
      if (is_done_) break;
    }
    return std::move(value_);
  }

 private:
  void copy(size_t count) {
    value_ += text_.substr(at_, count);
    at_ += count;
  }

  void walk_structure(char letter) {
    if ((letter == ',' || letter == '{' || letter == '[') && ++values_ > values_max) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("request body: more than {} values at byte {}", values_max, at_));
    }
    if (letter == '"') is_in_string_ = true;
    if ((letter == '{' || letter == '[') && ++depth_ > depth_max) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("request body: JSON nested deeper than {} levels at byte {}",
                              depth_max, at_));
    }
    if (letter == '}' || letter == ']') is_done_ = --depth_ <= 0;
    copy(1);
  }

  void walk_string(char letter) {
    if (letter == '"') is_in_string_ = false;
    if (letter != '\\') {
      const size_t next = text_.find_first_of("\"\\", at_ + 1);
      return copy(letter == '"' ? 1 : std::min(next, text_.size()) - at_);
    }
    const std::optional<uint32_t> unit = escaped_unit(text_, at_);
    if (!unit) return copy(2);
    if (is_high_surrogate(*unit)) {
      const std::optional<uint32_t> next = escaped_unit(text_, at_ + 6);
      if (next && is_low_surrogate(*next)) return copy(12);
    }
    if (!is_high_surrogate(*unit) && !is_low_surrogate(*unit)) return copy(6);
    value_ += "\\ufffd";
    at_ += 6;
  }

  std::string_view text_;
  std::string value_;
  size_t at_ = 0;
  size_t values_ = 0;
  int depth_ = 0;
  bool is_in_string_ = false;
  bool is_done_ = false;
};

// The library's message quotes what it read last, which is what people wrote and belongs in no log.
std::string parse_fault(const Json::parse_error& failure, std::string_view value) {
  const std::string_view text = failure.what();
  const size_t dash = text.find(" - ");
  std::string_view reason = dash == std::string_view::npos ? "" : text.substr(dash + 3);
  reason = reason.substr(0, reason.find("; last read"));
  const size_t byte = std::min(failure.byte, value.size());
  const std::string_view before = value.substr(0, byte > 0 ? byte - 1 : 0);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n') + 1;  // 0 where there is none
  return fmt::format("request body is not JSON: line {}, column {}: {}", line,
                     before.size() - line_start + 1, reason.empty() ? "malformed" : reason);
}

}  // namespace

Json parse_body(std::string_view body) {
  const size_t start = body.find_first_not_of(blank);
  if (start == std::string_view::npos)
    throw Error(ErrorCode::invalid_argument, "request body missing");
  std::string repaired;
  if (!is_valid_utf8(body)) {
    repaired = repair_utf8(body);
    body = repaired;
  }
  if (body.substr(start).starts_with("null")) return Json::object();  // as if nothing were given
  if (body[start] != '{') {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("request body: expected a JSON object, found '{}'", body.substr(start, 1)));
  }
  const std::string value = FirstValue(body.substr(start)).take();
  try {
    return Json::parse(value);
  } catch (const Json::parse_error& failure) {
    throw Error(ErrorCode::invalid_argument, parse_fault(failure, value));
  } catch (const Json::exception&) {  // a number that no double holds
    throw Error(ErrorCode::invalid_argument, "request body is not JSON: a number is out of range");
  }
}

std::string to_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Fields::Fields(const Json& object, std::string_view what) : object_(object), what_(what) {
  if (object.is_object()) return;
  const std::string_view name = what.ends_with('.') ? what.substr(0, what.size() - 1) : what;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{}: expected an object, found {}", name, object.type_name()));
}

const Json* Fields::find(std::string_view key) const {
  std::string asked(key);
  std::transform(asked.begin(), asked.end(), asked.begin(), lower);
  if (std::find(asked_.begin(), asked_.end(), asked) == asked_.end())
    asked_.push_back(std::move(asked));
  const Json* found = nullptr;
  for (auto item = object_.begin(); item != object_.end(); ++item) {
    if (equals_ignoring_case(item.key(), key) && !item->is_null()) found = &*item;
  }
  return found;
}

std::vector<std::string> Fields::unread() const {
  constexpr size_t names_max = 20;
  constexpr size_t name_bytes_max = 64;
  std::vector<std::string> names;
  for (auto item = object_.begin(); item != object_.end() && names.size() < names_max; ++item) {
    const bool is_asked = std::any_of(asked_.begin(), asked_.end(), [&](const std::string& name) {
      return equals_ignoring_case(name, item.key());
    });
    if (is_asked || item->is_null()) continue;
    std::string name(what_);
    name += item.key().substr(0, name_bytes_max);
    for (char& letter : name) {
      if (letter <= ' ' || letter > '~' || letter == ';') letter = '?';
    }
    names.push_back(std::move(name));
  }
  return names;
}

void note_unread(const Fields& fields, std::vector<std::string>& warnings) {
  for (const std::string& name : fields.unread())
    warnings.push_back(fmt::format("{} has no effect", name));
}

void Fields::fail(std::string_view key, std::string_view expected, const Json& found) const {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{}{}: expected {}, found {}", what_, key, expected, found.type_name()));
}

std::optional<std::string> Fields::text(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) fail(key, "a string", *value);
  return value->get<std::string>();
}

std::optional<bool> Fields::boolean(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) fail(key, "true or false", *value);
  return value->get<bool>();
}

std::optional<int64_t> Fields::integer(std::string_view key) const {
  const std::optional<double> value = number(key);
  if (!value) return std::nullopt;
  if (std::trunc(*value) != *value || std::abs(*value) > 9e15)
    fail(key, "a whole number", *find(key));
  return static_cast<int64_t>(*value);
}

std::optional<double> Fields::number(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) fail(key, "a number", *value);
  return value->get<double>();
}

const Json* Fields::object(std::string_view key) const {
  const Json* value = find(key);
  if (value != nullptr && !value->is_object()) fail(key, "an object", *value);
  return value;
}

const Json* Fields::array(std::string_view key) const {
  const Json* value = find(key);
  if (value != nullptr && !value->is_array()) fail(key, "an array", *value);
  return value;
}

std::optional<std::vector<std::string>> Fields::texts(std::string_view key) const {
  const Json* value = array(key);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const Json& item : *value) {
    if (!item.is_string()) fail(key, "an array of strings", item);
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

}  // namespace hearth::api
