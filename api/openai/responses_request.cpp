// POST /v1/responses, the request: items of a conversation instead of messages.
#include <fmt/format.h>

#include <algorithm>

#include "api/format.h"
#include "api/json.h"
#include "api/limits.h"
#include "api/openai/common_fields.h"
#include "api/openai_responses.h"
#include "api/tools.h"
#include "base/error.h"

namespace hearth::api {
namespace {

const std::vector<std::string_view>& text_kinds() {
  static const std::vector<std::string_view> kinds = {"input_text", "output_text", "text",
                                                      "refusal"};
  return kinds;
}

// Makes messages of items. Thoughts wait for the assistant's message that they belong to, calls
// that follow one another are one message, and so is what the assistant said around them.
class ItemReader {
 public:
  ItemReader(std::vector<Message>& messages, std::vector<std::string>& warnings)
      : messages_(messages), warnings_(warnings) {}

  void read(const Json& item, const std::string& what) {
    const Fields fields(item, what);
    const std::string type = fields.text("type").value_or("message");
    if (type == "message") {
      read_message(fields, what);
    } else if (type == "function_call") {
      modelfile::ToolCall call;
      call.id = fields.text("call_id").value_or("");
      call.name = fields.text("name").value_or("");
      call.arguments = read_arguments(fields.text("arguments").value_or(""), what + "arguments");
      assistant().tool_calls.push_back(std::move(call));
    } else if (type == "function_call_output") {
      Message& message = messages_.emplace_back();
      message.role = "tool";
      message.tool_call_id = fields.text("call_id").value_or("");
      message.content = read_text_parts(fields, "output", what, text_kinds());
    } else if (type == "reasoning") {
      read_reasoning(fields, what);
    } else if (type.ends_with("_call")) {  // of tools that run elsewhere; what they found is text
      warnings_.push_back(fmt::format("{}type {} has no effect", what, type.substr(0, 40)));
    } else {
      throw Error(ErrorCode::unsupported,
                  fmt::format("{}type: \"{}\" is not supported; send messages, function calls, "
                              "their outputs and reasoning",
                              what, type));
    }
  }

 private:
  Message& assistant() {
    if (messages_.empty() || messages_.back().role != "assistant") {
      messages_.emplace_back().role = "assistant";
      messages_.back().thinking = std::exchange(thoughts_, "");
    }
    return messages_.back();
  }

  void read_message(const Fields& fields, const std::string& what) {
    std::string role = fields.text("role").value_or("");
    if (role.empty()) throw Error(ErrorCode::invalid_argument, what + "role: missing");
    std::string content = read_text_parts(fields, "content", what, text_kinds());
    const bool is_said_around_calls = role == "assistant" && !messages_.empty() &&
                                      messages_.back().role == "assistant" &&
                                      !messages_.back().tool_calls.empty();
    if (is_said_around_calls) {
      messages_.back().content += content;
      return;
    }
    Message& message = messages_.emplace_back();
    message.role = role == "developer" ? "system" : std::move(role);
    message.content = std::move(content);
    if (message.role == "assistant") message.thinking = std::exchange(thoughts_, "");
  }

  void read_reasoning(const Fields& fields, const std::string& what) {
    std::string text = fields.text("encrypted_content").value_or("");
    for (const char* key : {"content", "summary"}) {
      if (text.empty())
        text = read_text_parts(fields, key, what, {"summary_text", "reasoning_text"});
    }
    thoughts_ += text;
  }

  std::vector<Message>& messages_;
  std::vector<std::string>& warnings_;
  std::string thoughts_;
};

void read_input(const Fields& fields, ChatRequest& chat) {
  const Json* input = fields.find("input");
  if (input == nullptr) throw Error(ErrorCode::invalid_argument, "input: missing");
  if (input->is_string()) {
    Message& message = chat.messages.emplace_back();
    message.role = "user";
    message.content = input->get<std::string>();
    return;
  }
  if (!input->is_array()) fields.fail("input", "a string or an array of items", *input);
  check_count("input", input->size(), messages_max);
  ItemReader reader(chat.messages, chat.warnings);
  for (size_t i = 0; i < input->size(); ++i) reader.read((*input)[i], fmt::format("input[{}].", i));
}

void read_tool(const Json& value, const std::string& what, const std::string& space,
               ChatRequest& chat) {
  const Fields fields(value, what);
  const std::string type = fields.text("type").value_or("function");
  const std::string name = fields.text("name").value_or("");
  if (type == "namespace") {
    const Json* members = fields.array("tools");
    for (size_t i = 0; members != nullptr && i < members->size(); ++i)
      read_tool((*members)[i], fmt::format("{}tools[{}].", what, i), name + ".", chat);
    return;
  }
  if (type != "function") {  // searching the web, running code: nobody here does that
    chat.warnings.push_back(fmt::format("{}type {} has no effect", what, type.substr(0, 40)));
    return;
  }
  if (name.empty()) throw Error(ErrorCode::invalid_argument, what + "name: missing");
  chat.tools.push_back(
      make_tool(space + name, fields.find("description"), fields.object("parameters")));
  check_count("tools", chat.tools.size(), tools_max);
}

void read_sampling(const Fields& fields, ChatRequest& chat) {
  const auto number = [&fields](std::string_view key, double max) -> std::optional<float> {
    const std::optional<double> value = fields.number(key);
    if (!value) return std::nullopt;
    if (*value >= 0 && *value <= max) return static_cast<float>(*value);
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{}: expected 0 to {}, found {}", key, max, *value));
  };
  chat.options.temperature = number("temperature", 2);
  chat.options.top_p = number("top_p", 1);
  chat.uses_openai_defaults = true;
  chat.options.num_predict = fields.integer("max_output_tokens");
  if (chat.options.num_predict && *chat.options.num_predict < 1) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("max_output_tokens: expected at least 1, found {}", *chat.options.num_predict));
  }
}

void read_included(const Fields& fields, ResponsesRequest& request) {
  for (const std::string& name : fields.texts("include").value_or(std::vector<std::string>{})) {
    if (name == "message.output_text.logprobs") {
      request.shows_log_probs = true;
    } else if (name == "reasoning.encrypted_content") {
      request.shows_encrypted_reasoning = true;
    } else {
      request.chat.warnings.push_back(fmt::format("include {} has no effect", name.substr(0, 60)));
    }
  }
  const int64_t top = fields.integer("top_logprobs").value_or(0);
  if (top < 0 || top > 20) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("top_logprobs: expected 0 to 20, found {}", top));
  }
  request.shows_log_probs = request.shows_log_probs || top > 0;
  if (request.shows_log_probs) request.chat.top_log_probs = static_cast<int32_t>(top);
}

// What the response repeats of the request; null where OpenAI has null.
void read_echo(const Fields& fields, const ChatRequest& chat, Json& echo) {
  const auto keep = [&](const char* key, Json absent) {
    const Json* value = fields.find(key);
    echo[key] = value != nullptr ? *value : std::move(absent);
  };
  keep("background", false);
  keep("instructions", nullptr);
  keep("max_output_tokens", nullptr);
  keep("max_tool_calls", nullptr);
  keep("metadata", Json::object());
  keep("parallel_tool_calls", true);
  keep("previous_response_id", nullptr);
  keep("prompt_cache_key", nullptr);
  keep("reasoning", Json{{"effort", nullptr}, {"summary", nullptr}});
  keep("safety_identifier", nullptr);
  echo["service_tier"] = "default";
  keep("store", true);
  keep("temperature", chat.options.temperature.value_or(1.0F));
  keep("text", Json{{"format", {{"type", "text"}}}});
  if (!echo["text"].contains("format")) echo["text"]["format"] = {{"type", "text"}};
  keep("tool_choice", "auto");
  keep("tools", Json::array());
  keep("top_logprobs", 0);
  keep("top_p", chat.options.top_p.value_or(1.0F));
  keep("truncation", "disabled");
  if (const Json* user = fields.find("user")) echo["user"] = *user;
}

void read_text_format(const Fields& fields, ChatRequest& chat) {
  const Json* value = fields.object("text");
  if (value == nullptr) return;
  const Fields text(*value, "text.");
  if (const Json* format = text.object("format"))
    chat.format = read_format_object(*format, "text.format", chat.warnings);
  note_unread(text, chat.warnings);
}

}  // namespace

ResponsesRequest read_openai_responses(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  ResponsesRequest request;
  ChatRequest& chat = request.chat;
  chat.model = fields.text("model").value_or("");
  if (chat.model.empty()) throw Error(ErrorCode::invalid_argument, "model: missing");
  chat.is_stream = fields.boolean("stream").value_or(false);
  fields.find("stream_options");
  read_input(fields, chat);
  name_results(chat.messages);
  read_sampling(fields, chat);
  chat.truncate = fields.text("truncation").value_or("disabled") == "auto";
  chat.keep_alive = std::nullopt;
  if (const Json* reasoning = fields.object("reasoning"))
    chat.think = think_of_effort(Fields(*reasoning, "reasoning.").text("effort").value_or(""));
  read_text_format(fields, chat);
  const Json* tools = fields.array("tools");
  for (size_t i = 0; tools != nullptr && i < tools->size(); ++i)
    read_tool((*tools)[i], fmt::format("tools[{}].", i), "", chat);
  read_tool_choice(fields, chat);
  read_included(fields, request);
  request.instructions = fields.text("instructions").value_or("");
  request.previous_response_id = fields.text("previous_response_id").value_or("");
  request.is_stored = fields.boolean("store").value_or(true);
  if (fields.boolean("background").value_or(false))
    chat.warnings.push_back("background has no effect: the answer comes at once");
  read_echo(fields, chat, request.echo);
  for (const char* key : {"max_tool_calls", "prompt_cache_key", "safety_identifier", "user"}) {
    if (fields.find(key) != nullptr) chat.warnings.push_back(fmt::format("{} has no effect", key));
  }
  note_unread(fields, chat.warnings);
  return request;
}

void begin_conversation(ResponsesRequest& request, const std::vector<Message>& before) {
  std::vector<Message>& messages = request.chat.messages;
  messages.insert(messages.begin(), before.begin(), before.end());
  name_results(messages);
  request.conversation = messages;
  if (request.instructions.empty()) return;
  if (!messages.empty() && messages.front().role == "system") {  // templates want one
    messages.front().content = request.instructions + "\n\n" + messages.front().content;
    return;
  }
  Message system;
  system.role = "system";
  system.content = request.instructions;
  messages.insert(messages.begin(), std::move(system));
}

}  // namespace hearth::api
