#include "modelfile/reply_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace hearth::modelfile {
namespace {

// Opening tags of calls, the more telling first.
constexpr std::array<std::string_view, 6> known_tags{
    "<tool_call>", "[TOOL_CALLS]", "<|tool_call|>", "<|python_tag|>", "<toolcall>", "<tool_calls>"};

constexpr std::string_view blanks = " \t\r\n";

// Around thoughts.
constexpr std::array<std::array<std::string_view, 2>, 3> known_thinking_tags{
    {{"<think>", "</think>"}, {"[THINK]", "[/THINK]"}, {"<thought>", "</thought>"}}};

// "<x>" is closed by "</x>"; other tags are not closed.
std::string closing_tag(std::string_view tag) {
  const bool is_closed = tag.starts_with('<') && !tag.starts_with("<|");
  return is_closed ? fmt::format("</{}", tag.substr(1)) : "";
}

// Length of the longest end of `text` that is a beginning of `tag`, but not all of it.
size_t overlap(std::string_view text, std::string_view tag) {
  for (size_t length = std::min(text.size(), tag.size() - 1); length > 0; --length) {
    if (text.ends_with(tag.substr(0, length))) return length;
  }
  return 0;
}

// Where the JSON object or array that begins at `begin` ends; absent while it is not complete.
std::optional<size_t> json_end(std::string_view text, size_t begin) {
  int depth = 0;
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

// {"name", "arguments"}, also inside of "function" and with "parameters"; arguments may be JSON in
// a string. Absent: it is no call.
std::optional<ToolCall> to_call(const Json& value) {
  if (!value.is_object()) return std::nullopt;
  if (const auto function = value.find("function");
      function != value.end() && function->is_object()) {
    return to_call(*function);
  }
  const auto name = value.find("name");
  if (name == value.end() || !name->is_string()) return std::nullopt;
  ToolCall call;
  call.name = name->get<std::string>();
  for (const char* key : {"arguments", "parameters"}) {
    const auto arguments = value.find(key);
    if (arguments == value.end()) continue;
    call.arguments = *arguments;
    if (arguments->is_string())
      call.arguments = Json::parse(arguments->get_ref<const std::string&>(), nullptr, false);
    if (call.arguments.is_object()) return call;
  }
  return std::nullopt;
}

// All calls of one JSON text: an object, or an array of them. Empty when any of it is no call.
std::vector<ToolCall> to_calls(std::string_view text) {
  const Json value = Json::parse(text, nullptr, false);
  std::vector<ToolCall> calls;
  if (!value.is_array()) {
    if (std::optional<ToolCall> call = to_call(value)) calls.push_back(std::move(*call));
    return calls;
  }
  for (const Json& entry : value) {
    std::optional<ToolCall> call = to_call(entry);
    if (!call) return {};
    calls.push_back(std::move(*call));
  }
  return calls;
}

}  // namespace

std::string find_tool_tag(std::string_view template_text) {
  const auto found = std::find_if(known_tags.begin(), known_tags.end(), [&](std::string_view tag) {
    return template_text.find(tag) != std::string_view::npos;
  });
  return found == known_tags.end() ? "{" : std::string(*found);
}

ThinkingTags find_thinking_tags(std::string_view template_text) {
  for (const auto& [open, close] : known_thinking_tags) {
    if (template_text.find(close) != std::string_view::npos)
      return {std::string(open), std::string(close)};
  }
  return {};
}

ReplyParser::ReplyParser(ReplyStyle style)
    : style_(std::move(style)),
      is_bare_json_(style_.tool_tag.empty() || style_.tool_tag == "{" || style_.tool_tag == "["),
      closing_tag_(closing_tag(style_.tool_tag)),
      state_(style_.thinking_open.empty() ? State::text
             : style_.starts_in_thinking  ? State::thinking
                                          : State::start) {}

ReplyPiece ReplyParser::push(std::string_view text) {
  ReplyPiece piece;
  held_ += text;
  advance(piece, false);
  return piece;
}

ReplyPiece ReplyParser::finish() {
  ReplyPiece piece;
  advance(piece, true);
  return piece;
}

void ReplyParser::advance(ReplyPiece& piece, bool is_end) {
  bool goes_on = true;
  while (goes_on && !held_.empty()) {
    switch (state_) {
      case State::start:
        goes_on = read_start(is_end);
        break;
      case State::thinking:
        goes_on = read_thinking(piece, is_end);
        break;
      case State::behind_thinking:
        goes_on = skip_blanks(is_end);
        break;
      case State::text:
        goes_on = read_text(piece, is_end);
        break;
      case State::call:
        goes_on = read_call(piece, is_end);
        break;
      case State::behind_call:
        goes_on = read_closing_tag(is_end);
        break;
    }
  }
}

// Thoughts stand at the beginning or nowhere.
bool ReplyParser::read_start(bool is_end) {
  const std::string& open = style_.thinking_open;
  const size_t first = held_.find_first_not_of(blanks);
  const std::string_view rest =
      first == std::string::npos ? "" : std::string_view(held_).substr(first);
  if (rest.starts_with(open)) {
    held_.erase(0, first + open.size());
    state_ = State::thinking;
    return true;
  }
  if (!is_end && open.starts_with(rest)) return false;
  state_ = State::text;
  return true;
}

bool ReplyParser::read_thinking(ReplyPiece& piece, bool is_end) {
  const std::string& close = style_.thinking_close;
  const size_t place = held_.find(close);
  const bool is_closed = place != std::string::npos;
  const size_t end = is_closed ? place : held_.size() - (is_end ? 0 : overlap(held_, close));
  // Blanks around thoughts are the model's layout.
  const std::string_view all = std::string_view(held_).substr(0, end);
  const size_t last = all.find_last_not_of(blanks);
  const size_t thought_end = last == std::string_view::npos ? 0 : last + 1;
  const size_t begin = has_thoughts_ ? 0 : std::min(all.find_first_not_of(blanks), thought_end);
  if (style_.keeps_thinking) piece.thinking += all.substr(begin, thought_end - begin);
  has_thoughts_ = has_thoughts_ || thought_end > begin;
  held_.erase(0, is_closed ? place + close.size() : is_end ? held_.size() : thought_end);
  if (is_closed) state_ = State::behind_thinking;
  return is_closed;
}

bool ReplyParser::skip_blanks(bool is_end) {
  const size_t first = held_.find_first_not_of(blanks);
  if (first == std::string::npos && !is_end) return false;
  held_.erase(0, std::min(first, held_.size()));
  state_ = State::text;
  return true;
}

// Where in held_ a call begins, the blanks before it included; at the end of held_: maybe there.
// Absent: none of held_ belongs to a call.
std::optional<size_t> ReplyParser::find_call(bool is_end) const {
  if (style_.tool_names.empty()) return std::nullopt;
  size_t place = 0;
  if (is_bare_json_) {
    // An answer that begins with something else is no call, whatever braces it has.
    place = held_.find_first_not_of(blanks);
    if (place == std::string::npos) return is_end ? std::nullopt : std::optional<size_t>(0);
    const bool is_json = held_[place] == '{' || held_[place] == '[';
    return is_json && !has_content_ ? std::optional<size_t>(0) : std::nullopt;
  }
  place = held_.find(style_.tool_tag);
  if (place == std::string::npos) {
    if (is_end) return std::nullopt;
    place = held_.size() - overlap(held_, style_.tool_tag);
  }
  const std::string_view before = std::string_view(held_).substr(0, place);
  const size_t last = before.find_last_not_of(blanks);
  return last == std::string_view::npos ? 0 : last + 1;
}

bool ReplyParser::read_text(ReplyPiece& piece, bool is_end) {
  const std::optional<size_t> place = find_call(is_end);
  give_content(piece, place.value_or(held_.size()));
  if (held_.empty()) return false;
  const size_t first = held_.find_first_not_of(blanks);
  const bool is_whole =
      first != std::string::npos &&
      (is_bare_json_ || held_.compare(first, style_.tool_tag.size(), style_.tool_tag) == 0);
  if (is_whole) state_ = State::call;
  return is_whole;
}

bool ReplyParser::read_call(ReplyPiece& piece, bool is_end) {
  const size_t tag = held_.find_first_not_of(blanks);
  const size_t tag_end = is_bare_json_ ? tag : tag + style_.tool_tag.size();
  const size_t begin = held_.find_first_not_of(blanks, tag_end);
  if (begin == std::string::npos) {
    if (is_end) give_up(piece, held_.size(), "the answer ended behind the tag of a call");
    return is_end;
  }
  if (held_[begin] != '{' && held_[begin] != '[') {
    give_up(piece, tag_end, fmt::format("{} is not followed by JSON", style_.tool_tag));
    return true;
  }
  const std::optional<size_t> end = json_end(held_, begin);
  if (end) {
    take_calls(piece, begin, *end);
  } else if (is_end) {
    give_up(piece, held_.size(), "the answer ended within a call");
  }
  return end || is_end;
}

void ReplyParser::take_calls(ReplyPiece& piece, size_t begin, size_t end) {
  std::vector<ToolCall> calls = to_calls(std::string_view(held_).substr(begin, end - begin));
  if (calls.empty())
    return give_up(piece, end, "what looked like a call has no name or no arguments");
  for (const ToolCall& call : calls) {
    const std::vector<std::string>& names = style_.tool_names;
    if (std::find(names.begin(), names.end(), call.name) != names.end()) continue;
    return give_up(piece, end,
                   fmt::format("the model called \"{}\", which is none of the tools it was offered",
                               call.name));
  }
  std::move(calls.begin(), calls.end(), std::back_inserter(piece.tool_calls));
  held_.erase(0, end);
  has_calls_ = true;
  state_ = closing_tag_.empty() ? State::text : State::behind_call;
}

bool ReplyParser::read_closing_tag(bool is_end) {
  const size_t first = held_.find_first_not_of(blanks);
  const std::string_view rest =
      first == std::string::npos ? "" : std::string_view(held_).substr(first);
  if (!is_end && closing_tag_.size() > rest.size() && closing_tag_.starts_with(rest)) return false;
  if (rest.starts_with(closing_tag_)) held_.erase(0, first + closing_tag_.size());
  state_ = State::text;
  return true;
}

void ReplyParser::give_content(ReplyPiece& piece, size_t length) {
  const std::string_view text = std::string_view(held_).substr(0, length);
  const bool is_blank = text.find_first_not_of(blanks) == std::string_view::npos;
  has_content_ = has_content_ || !is_blank;
  // Blanks behind a call are the model's layout, not an answer.
  if (!is_blank || !has_calls_) piece.content += text;
  held_.erase(0, length);
}

void ReplyParser::give_up(ReplyPiece& piece, size_t length, std::string warning) {
  piece.content.append(held_, 0, length);
  piece.warnings.push_back(std::move(warning));
  held_.erase(0, length);
  has_content_ = true;
  state_ = State::text;
}

}  // namespace hearth::modelfile
