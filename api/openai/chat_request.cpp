// POST /v1/chat/completions, the request.
#include <fmt/format.h>

#include "api/json.h"
#include "api/native/common_fields.h"
#include "api/openai.h"
#include "api/openai/common_fields.h"
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

Message read_message(const Json& value, const std::string& what) {
  const Fields fields(value, what);
  Message message;
  message.role = fields.text("role").value_or("");
  if (message.role.empty()) throw Error(ErrorCode::invalid_argument, what + "role: missing");
  // What OpenAI calls developer is the system message of every template.
  if (message.role == "developer") message.role = "system";
  message.content = read_content(fields, what);
  refuse_unless_empty(fields, "tool_calls",
                      "tools are not supported yet; leave calls and their results out");
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

void check_reasoning(const Fields& fields) {
  std::string effort = fields.text("reasoning_effort").value_or("");
  if (const Json* reasoning = fields.object("reasoning")) {
    effort = Fields(*reasoning, "reasoning.").text("effort").value_or(effort);
  }
  if (effort.empty() || effort == "none") return;
  throw Error(ErrorCode::unsupported,
              "reasoning_effort: this version of hearth does not support thinking; leave it out or "
              "send \"none\"");
}

void refuse_later_features(const Fields& fields) {
  refuse_unless_empty(
      fields, "tools",
      "this model does not support tools in this version of hearth; leave them out");
  refuse_unless_empty(fields, "functions", "functions are not supported; leave them out");
  refuse_unless_empty(fields, "audio", "sound is not supported; leave the field out");
  check_response_format(fields);
  check_reasoning(fields);
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
  request.top_log_probs = read_top_log_probs(fields);
  refuse_later_features(fields);
  note_ignored_fields(fields,
                      {"tool_choice", "parallel_tool_calls", "service_tier", "prediction",
                       "modalities", "web_search_options"},
                      request.warnings);
  return request;
}

}  // namespace hearth::api
