// POST /api/chat: messages in, message pieces out.
#include <fmt/format.h>

#include <algorithm>

#include "api/json.h"
#include "api/limits.h"
#include "api/native.h"
#include "api/native/common_fields.h"
#include "api/native/reply.h"
#include "api/tools.h"
#include "base/error.h"

namespace hearth::api {
namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  });
  return text;
}

std::vector<modelfile::ToolCall> read_tool_calls(const Fields& fields, std::string_view what) {
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
    if (const Json* arguments = inner.object("arguments")) result.arguments = *arguments;
  }
  return calls;
}

Json write_tool_calls(const std::vector<modelfile::ToolCall>& calls, size_t first_index) {
  Json list = Json::array();
  for (const modelfile::ToolCall& call : calls) {
    Json entry;
    if (!call.id.empty()) entry["id"] = call.id;
    entry["function"] = {
        {"index", first_index + list.size()}, {"name", call.name}, {"arguments", call.arguments}};
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

Message read_native_message(const Json& value, std::string_view what) {
  const Fields fields(value, what);
  Message message;
  message.role = lower_case(fields.text("role").value_or(""));
  message.content = fields.text("content").value_or("");
  message.thinking = fields.text("thinking").value_or("");
  message.tool_calls = read_tool_calls(fields, what);
  message.tool_name = fields.text("tool_name").value_or("");
  message.tool_call_id = fields.text("tool_call_id").value_or("");
  if (message.role.empty())
    throw Error(ErrorCode::invalid_argument, fmt::format("{}role: missing", what));
  refuse_unless_empty(fields, "images", "pictures and sound are not supported yet; send text only");
  return message;
}

Json write_native_message(const Message& message) {
  Json value;
  value["role"] = message.role;
  value["content"] = message.content;
  if (!message.thinking.empty()) value["thinking"] = message.thinking;
  if (!message.tool_calls.empty()) value["tool_calls"] = write_tool_calls(message.tool_calls, 0);
  if (!message.tool_name.empty()) value["tool_name"] = message.tool_name;
  if (!message.tool_call_id.empty()) value["tool_call_id"] = message.tool_call_id;
  return value;
}

ChatRequest read_native_chat(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  ChatRequest request;
  read_common_fields(fields, request);
  if (request.model.empty()) throw Error(ErrorCode::invalid_argument, "model: missing");
  if (const Json* messages = fields.array("messages")) {
    check_count("messages", messages->size(), messages_max);
    for (size_t i = 0; i < messages->size(); ++i) {
      request.messages.push_back(
          read_native_message((*messages)[i], fmt::format("messages[{}].", i)));
    }
  }
  request.tools = read_tools(fields);
  read_tool_choice(fields, request);
  name_results(request.messages);
  note_unread(fields, request.warnings);
  return request;
}

std::string NativeChatWriter::line(const ChatEvent& event, WallTime now) {
  Json line = reply_head(model_, now);
  line["message"] = {{"role", "assistant"}, {"content", event.content}};
  if (!event.thinking.empty()) line["message"]["thinking"] = event.thinking;
  if (!event.tool_calls.empty()) {
    line["message"]["tool_calls"] = write_tool_calls(event.tool_calls, call_count_);
    call_count_ += event.tool_calls.size();
  }
  add_log_probs(line, event);
  add_reply_end(line, event);
  return to_line(line);
}

std::vector<std::string> NativeChatWriter::frames(const ChatEvent& event, WallTime now) {
  return {line(event, now) + "\n"};
}

std::string NativeChatWriter::whole(const WholeAnswer& answer, WallTime now) {
  return line(only_choice(answer), now);
}

}  // namespace hearth::api
