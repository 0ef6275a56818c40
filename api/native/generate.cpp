// POST /api/generate: the prompt as one user message, or raw text.
#include <fmt/format.h>

#include "api/json.h"
#include "api/native.h"
#include "api/native/common_fields.h"
#include "api/native/reply.h"
#include "base/error.h"

namespace hearth::api {
namespace {

void read_raw(const Fields& fields, std::string prompt, ChatRequest& request) {
  for (const std::string_view key : {"template", "system", "context", "suffix"}) {
    const Json* value = fields.find(key);
    if (value == nullptr || value->empty() || *value == "") continue;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("raw mode takes the prompt as it is: leave out \"{}\"", key));
  }
  request.raw_prompt = std::move(prompt);
}

void add_message(ChatRequest& request, std::string role, std::string content) {
  Message& message = request.messages.emplace_back();
  message.role = std::move(role);
  message.content = std::move(content);
}

void read_rendered(const Fields& fields, std::string prompt, ChatRequest& request) {
  std::string system = fields.text("system").value_or("");
  if (!system.empty()) add_message(request, "system", std::move(system));
  add_message(request, "user", std::move(prompt));
  request.context_tokens = read_tokens(fields, "context");
  request.returns_context = true;
  const std::string template_text = fields.text("template").value_or("");
  if (!template_text.empty()) request.template_text = template_text;
  const std::string suffix = fields.text("suffix").value_or("");
  if (!suffix.empty()) request.suffix = suffix;
}

}  // namespace

ChatRequest read_native_generate(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  ChatRequest request;
  request.operation = Operation::generate;
  read_common_fields(fields, request);
  refuse_unless_empty(fields, "images", "pictures and sound are not supported yet; send text only");
  std::string prompt = fields.text("prompt").value_or("");
  if (prompt.empty()) {
    // nothing but the weights are loaded or unloaded
  } else if (fields.boolean("raw").value_or(false)) {
    read_raw(fields, std::move(prompt), request);
  } else {
    read_rendered(fields, std::move(prompt), request);
  }
  note_unread(fields, request.warnings);
  return request;
}

std::string NativeGenerateWriter::line(const ChatEvent& event, WallTime now) const {
  Json line = reply_head(model_, now);
  line["response"] = event.content;
  if (!event.thinking.empty()) line["thinking"] = event.thinking;
  add_log_probs(line, event);
  add_reply_end(line, event);
  return to_line(line);
}

std::vector<std::string> NativeGenerateWriter::frames(const ChatEvent& event, WallTime now) {
  return {line(event, now) + "\n"};
}

std::string NativeGenerateWriter::whole(const WholeAnswer& answer, WallTime now) {
  return line(only_choice(answer), now);
}

}  // namespace hearth::api
