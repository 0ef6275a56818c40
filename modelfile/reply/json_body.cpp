// Calls written as JSON, with the name inside of it or before it.
#include <fmt/format.h>

#include <algorithm>

#include "modelfile/reply/call_body.h"

namespace hearth::modelfile::reply {
namespace {

constexpr std::string_view fence = "```";

// The object in `value`, or in the text that it is.
std::optional<Json> to_arguments(const Json& value) {
  if (value.is_object()) return value;
  if (!value.is_string()) return std::nullopt;
  Json parsed = parse_json(value.get_ref<const std::string&>());
  return parsed.is_object() ? std::optional<Json>(std::move(parsed)) : std::nullopt;
}

// {"name", "arguments"} in any of the spellings in use, also inside of "function"; {"f": {...}}
// where f is a tool. Absent: it is no call.
std::optional<ToolCall> to_call(const Json& value, const ToolSet& tools) {
  if (!value.is_object()) return std::nullopt;
  if (const auto function = value.find("function");
      function != value.end() && function->is_object())
    return to_call(*function, tools);
  for (const char* name_key : {"name", "tool_name", "function"}) {
    const auto name = value.find(name_key);
    if (name == value.end() || !name->is_string()) continue;
    for (const char* key : {"arguments", "parameters", "args"}) {
      const auto found = value.find(key);
      std::optional<Json> arguments = found == value.end() ? std::nullopt : to_arguments(*found);
      if (arguments) return ToolCall{"", name->get<std::string>(), std::move(*arguments)};
    }
    return std::nullopt;
  }
  if (value.size() != 1 || !tools.resolve(value.begin().key())) return std::nullopt;
  std::optional<Json> arguments = to_arguments(*value.begin());
  if (!arguments) return std::nullopt;
  return ToolCall{"", value.begin().key(), std::move(*arguments)};
}

// All calls of one JSON text: an object, or an array of them. Empty when any of it is no call.
std::vector<ToolCall> to_calls(const Json& value, const ToolSet& tools) {
  std::vector<ToolCall> calls;
  const Json list = value.is_array() ? value : Json::array({value});
  for (const Json& entry : list) {
    std::optional<ToolCall> call = to_call(entry, tools);
    if (!call) return {};
    calls.push_back(std::move(*call));
  }
  return calls;
}

// Behind the fence that may close a block of code. Absent: more is needed.
std::optional<size_t> behind_fence(const BodyInput& input, size_t from) {
  const size_t place = skip_blanks(input.text, from);
  const Match match = match_at(input.text, place, fence);
  if (match == Match::yes) return place + fence.size();
  if (match == Match::maybe && !input.is_end) return std::nullopt;
  return from;
}

// The name of what stands before the arguments: text, tags and all.
std::string_view name_in(std::string_view header, const CallStyle& style) {
  if (!style.name_open.empty()) {
    const size_t open = header.find(style.name_open);
    if (open != std::string_view::npos) header.remove_prefix(open + style.name_open.size());
  }
  for (const std::string_view end :
       {style.name_close, std::string_view("[ARGS]"), std::string_view("[CALL_ID]"), fence}) {
    header = header.substr(0, header.find(end));
  }
  const size_t first = skip_blanks(header, 0);
  const size_t last = header.find_last_not_of(blanks);
  return first == header.size() ? std::string_view() : header.substr(first, last - first + 1);
}

}  // namespace

std::optional<size_t> json_end(std::string_view text, size_t begin) {
  int64_t depth = 0;
  bool is_string = false;
  for (size_t i = begin; i < text.size(); ++i) {
    const char letter = text[i];
    if (is_string) {
      if (letter == '\\') ++i;
      is_string = letter != '"';
    } else if (letter == '"') {
      is_string = true;
    } else if (letter == '{' || letter == '[') {
      ++depth;
    } else if (letter == '}' || letter == ']') {
      if (--depth == 0) return i + 1;
    }
  }
  return std::nullopt;
}

Json parse_json(std::string_view text) {
  Json value = Json::parse(text, nullptr, false);
  if (!value.is_discarded()) return value;
  std::string repaired;
  bool is_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (letter == '"') is_string = !is_string;
    if (is_string && letter == '\\' && i + 1 < text.size()) {
      repaired += letter;
      repaired += text[++i];
    } else if (is_string && (letter == '\n' || letter == '\r' || letter == '\t')) {
      repaired += letter == '\n' ? "\\n" : letter == '\r' ? "\\r" : "\\t";
    } else {
      repaired += letter;
    }
  }
  return Json::parse(repaired, nullptr, false);
}

CallBody read_json(const BodyInput& input) {
  size_t begin = skip_blanks(input.text, 0);
  const Match fenced = match_at(input.text, begin, fence);
  if (fenced == Match::maybe) return {};
  const bool is_fenced = fenced == Match::yes;
  if (is_fenced) begin = std::min(input.text.find_first_of("{[", begin), begin + 20);
  if (begin >= input.text.size()) return {};
  if (input.text[begin] != '{' && input.text[begin] != '[')
    return CallBody::broken(0, "what stands in place of a call is not JSON");
  std::optional<size_t> end = json_end(input.text, begin);
  if (!end) return {};
  std::vector<ToolCall> calls =
      to_calls(parse_json(input.text.substr(begin, *end - begin)), input.tools);
  if (calls.empty())
    return CallBody::broken(*end, "what looked like a call has no name or no arguments");
  if (is_fenced) end = behind_fence(input, *end);
  return end ? CallBody::done(*end, std::move(calls)) : CallBody{};
}

CallBody read_named_json(const BodyInput& input) {
  const size_t begin = input.text.find('{');
  if (std::min(begin, input.text.size()) > name_bytes_max)
    return CallBody::broken(0, "no arguments follow the name of a call");
  if (begin == std::string_view::npos) return {};
  const std::string_view header = input.text.substr(0, begin);
  const std::string_view name = name_in(header, input.style);
  if (name.empty() || name.find('\n') != std::string_view::npos)
    return CallBody::broken(0, "a call has no name");
  std::optional<size_t> end = json_end(input.text, begin);
  if (!end) return {};
  Json arguments = parse_json(input.text.substr(begin, *end - begin));
  if (!arguments.is_object()) return CallBody::broken(*end, "the arguments of a call are not JSON");
  const bool is_fenced = header.find(fence) != std::string_view::npos;
  if (is_fenced) end = behind_fence(input, *end);
  if (!end) return {};
  return CallBody::done(*end, {ToolCall{"", std::string(name), std::move(arguments)}});
}

}  // namespace hearth::modelfile::reply
