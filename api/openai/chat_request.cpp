// POST /v1/chat/completions, the request.
#include <fmt/format.h>

#include "api/json.h"
#include "api/limits.h"
#include "api/native/common_fields.h"
#include "api/openai.h"
#include "api/openai/common_fields.h"
#include "api/tools.h"
#include "base/error.h"

namespace hearth::api {
namespace {

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
    result.arguments =
        read_arguments(inner.text("arguments").value_or(""), function_name + "arguments");
  }
  return calls;
}

Message read_message(const Json& value, const std::string& what) {
  const Fields fields(value, what);
  Message message;
  message.role = fields.text("role").value_or("");
  if (message.role.empty()) throw Error(ErrorCode::invalid_argument, what + "role: missing");
  // What OpenAI calls developer is the system message of every template.
  if (message.role == "developer") message.role = "system";
  message.content = read_text_parts(fields, "content", what, {"text"});
  message.thinking = fields.text("reasoning").value_or("");
  if (message.thinking.empty()) message.thinking = fields.text("reasoning_content").value_or("");
  message.tool_calls = read_tool_calls(fields, what);
  message.tool_call_id = fields.text("tool_call_id").value_or("");
  message.tool_name = fields.text("name").value_or("");
  return message;
}

std::optional<Think> read_effort(const Fields& fields) {
  std::string effort = fields.text("reasoning_effort").value_or("");
  if (const Json* reasoning = fields.object("reasoning"))
    effort = Fields(*reasoning, "reasoning.").text("effort").value_or(effort);
  return think_of_effort(effort);
}

// Variables of the template, as llama.cpp and vLLM take them.
void read_template_variables(const Fields& fields, ChatRequest& request) {
  const Json* variables = fields.object("chat_template_kwargs");
  if (variables == nullptr) return;
  request.template_variables = *variables;
  const auto found = variables->find("enable_thinking");
  if (found == variables->end() || !found->is_boolean()) return;
  if (!request.think) request.think = Think{found->get<bool>(), ""};
  request.template_variables.erase("enable_thinking");
}

void refuse_later_features(const Fields& fields) {
  refuse_unless_empty(fields, "functions", "functions are not supported; leave them out");
  refuse_unless_empty(fields, "audio", "sound is not supported; leave the field out");
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
  check_count("messages", messages->size(), messages_max);
  for (size_t i = 0; i < messages->size(); ++i) {
    request.messages.push_back(read_message((*messages)[i], fmt::format("messages[{}].", i)));
  }
  read_openai_common(fields, request);
  name_results(request.messages);
  request.tools = read_tools(fields);
  read_tool_choice(fields, request);
  request.think = read_effort(fields);
  request.thoughts_tokens_max = read_thinking_budget(fields, "thinking_budget_tokens", -1);
  read_template_variables(fields, request);
  request.top_log_probs = read_top_log_probs(fields);
  refuse_later_features(fields);
  note_unread(fields, request.warnings);
  return request;
}

}  // namespace hearth::api
