// POST /v1/chat/completions, the request.
#include <fmt/format.h>

#include <array>
#include <map>

#include "api/json.h"
#include "api/native/common_fields.h"
#include "api/openai.h"
#include "api/openai/common_fields.h"
#include "api/tools.h"
#include "base/error.h"

namespace hearth::api {
namespace {

// Text parts are joined by line breaks: one message stays one message.
std::string read_content(const Fields& fields, std::string_view what) {
  const Json* content = fields.find("content");
  if (content == nullptr) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) fields.fail("content", "a string or an array of parts", *content);
  std::string text;
  for (size_t i = 0; i < content->size(); ++i) {
    const std::string name = fmt::format("{}content[{}].", what, i);
    const Fields part((*content)[i], name);
    const std::string type = part.text("type").value_or("");
    if (type != "text") {
      throw Error(ErrorCode::unsupported,
                  fmt::format("{}type: \"{}\" is not supported yet; send parts of type \"text\"",
                              name, type));
    }
    if (i > 0) text += "\n";
    text += part.text("text").value_or("");
  }
  return text;
}

// Arguments come as JSON in a string.
std::vector<modelfile::ToolCall> read_tool_calls(const Fields& fields, const std::string& what) {
  std::vector<modelfile::ToolCall> calls;
  const Json* values = fields.array("tool_calls");
  if (values == nullptr) return calls;
  for (size_t i = 0; i < values->size(); ++i) {
    const std::string name = fmt::format("{}tool_calls[{}].", what, i);
    const Fields call((*values)[i], name);
    const Json* function = call.object("function");
    if (function == nullptr) throw Error(ErrorCode::invalid_argument, name + "function: missing");
    const std::string function_name = name + "function.";
    const Fields inner(*function, function_name);
    modelfile::ToolCall& result = calls.emplace_back();
    result.id = call.text("id").value_or("");
    result.name = inner.text("name").value_or("");
    const std::string arguments = inner.text("arguments").value_or("{}");
    result.arguments = Json::parse(arguments.empty() ? "{}" : arguments, nullptr, false);
    if (!result.arguments.is_object()) {
      throw Error(ErrorCode::invalid_argument,
                  function_name + "arguments: expected a JSON object in a string");
    }
  }
  return calls;
}

// A result names the call it answers; templates want the function's name.
void name_results(std::vector<Message>& messages) {
  std::map<std::string, std::string> names;  // by id of the call
  for (Message& message : messages) {
    for (const modelfile::ToolCall& call : message.tool_calls) names[call.id] = call.name;
    if (message.role != "tool" || !message.tool_name.empty()) continue;
    const auto found = names.find(message.tool_call_id);
    if (found != names.end()) message.tool_name = found->second;
  }
}

// "auto" and "none" are kept; what only a grammar can enforce is named as having no effect.
void read_tools_and_choice(const Fields& fields, ChatRequest& request) {
  request.tools = read_tools(fields);
  const Json* choice = fields.find("tool_choice");
  if (choice == nullptr || *choice == "auto") return;
  if (*choice == "none") {
    request.tools.clear();
  } else {
    request.warnings.push_back("tool_choice has no effect: the model chooses");
  }
}

Message read_message(const Json& value, const std::string& what) {
  const Fields fields(value, what);
  Message message;
  message.role = fields.text("role").value_or("");
  if (message.role.empty()) throw Error(ErrorCode::invalid_argument, what + "role: missing");
  // What OpenAI calls developer is the system message of every template.
  if (message.role == "developer") message.role = "system";
  message.content = read_content(fields, what);
  message.thinking = fields.text("reasoning").value_or("");
  if (message.thinking.empty()) message.thinking = fields.text("reasoning_content").value_or("");
  message.tool_calls = read_tool_calls(fields, what);
  message.tool_call_id = fields.text("tool_call_id").value_or("");
  message.tool_name = fields.text("name").value_or("");
  return message;
}

void check_response_format(const Fields& fields) {
  const Json* format = fields.object("response_format");
  if (format == nullptr) return;
  const std::string type = Fields(*format, "response_format.").text("type").value_or("text");
  if (type == "text") return;
  throw Error(ErrorCode::unsupported, fmt::format("response_format: \"{}\" is not supported yet; "
                                                  "leave the field out and ask for JSON in the "
                                                  "prompt",
                                                  type));
}

// OpenAI's efforts and their names here; "none" turns thoughts off.
std::optional<Think> read_effort(const Fields& fields) {
  std::string effort = fields.text("reasoning_effort").value_or("");
  if (const Json* reasoning = fields.object("reasoning")) {
    effort = Fields(*reasoning, "reasoning.").text("effort").value_or(effort);
  }
  if (effort.empty()) return std::nullopt;
  if (effort == "none") return Think{false, ""};
  constexpr std::array<std::array<std::string_view, 2>, 7> levels{{{"minimal", "low"},
                                                                   {"low", "low"},
                                                                   {"medium", "medium"},
                                                                   {"high", "high"},
                                                                   {"xhigh", "max"},
                                                                   {"ultra", "max"},
                                                                   {"max", "max"}}};
  for (const auto& [name, level] : levels) {
    if (effort == name) return Think{true, std::string(level)};
  }
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format("reasoning_effort: expected none, minimal, low, medium, high, xhigh or max, "
                  "found \"{}\"",
                  effort));
}

void refuse_later_features(const Fields& fields) {
  refuse_unless_empty(fields, "functions", "functions are not supported; leave them out");
  refuse_unless_empty(fields, "audio", "sound is not supported; leave the field out");
  check_response_format(fields);
}

}  // namespace

ChatRequest read_openai_chat(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  ChatRequest request;
  const Json* messages = fields.array("messages");
  if (messages == nullptr || messages->empty()) {
    throw Error(ErrorCode::invalid_argument, "messages: expected at least one message");
  }
  for (size_t i = 0; i < messages->size(); ++i) {
    request.messages.push_back(read_message((*messages)[i], fmt::format("messages[{}].", i)));
  }
  read_openai_common(fields, request);
  name_results(request.messages);
  read_tools_and_choice(fields, request);
  request.think = read_effort(fields);
  request.top_log_probs = read_top_log_probs(fields);
  refuse_later_features(fields);
  note_ignored_fields(
      fields,
      {"parallel_tool_calls", "service_tier", "prediction", "modalities", "web_search_options"},
      request.warnings);
  return request;
}

}  // namespace hearth::api
