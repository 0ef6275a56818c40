// POST /v1/messages and /v1/messages/count_tokens, the request: messages made of blocks.
#include <fmt/format.h>

#include "api/anthropic.h"
#include "api/format.h"
#include "api/json.h"
#include "api/limits.h"
#include "api/native/common_fields.h"
#include "api/tools.h"
#include "base/error.h"

namespace hearth::api {
namespace {

using Kind = ToolChoice::Kind;

[[noreturn]] void refuse_block(const std::string& what, const std::string& type) {
  throw Error(ErrorCode::unsupported,
              fmt::format("{}type: \"{}\" is not supported yet; send text, tool_use, tool_result "
                          "and thinking blocks",
                          what, type.substr(0, 40)));
}

// A string, or text blocks one after the other.
std::string read_text(const Fields& fields, std::string_view key, const std::string& what,
                      std::string_view between) {
  const Json* value = fields.find(key);
  if (value == nullptr) return "";
  if (value->is_string()) return value->get<std::string>();
  if (!value->is_array()) fields.fail(key, "a string or an array of blocks", *value);
  std::string text;
  for (size_t i = 0; i < value->size(); ++i) {
    const std::string name = fmt::format("{}{}[{}].", what, key, i);
    const Fields block((*value)[i], name);
    const std::string type = block.text("type").value_or("");
    if (type != "text") refuse_block(name, type);
    if (i > 0) text += between;
    text += block.text("text").value_or("");
  }
  return text;
}

// One message of blocks becomes one message and, before it, one per tool result.
class BlockReader {
 public:
  BlockReader(std::string role, std::vector<Message>& messages) : messages_(messages) {
    message_.role = std::move(role);
  }

  void read(const Json& block, const std::string& what) {
    const Fields fields(block, what);
    const std::string type = fields.text("type").value_or("");
    if (type == "text") {
      if (has_text_) message_.content += "\n";
      has_text_ = true;
      message_.content += fields.text("text").value_or("");
    } else if (type == "thinking") {
      message_.thinking += fields.text("thinking").value_or("");
    } else if (type == "tool_use") {
      read_call(fields, what);
    } else if (type == "tool_result") {
      read_result(fields, what);
    } else if (type == "image" || type == "document") {
      refuse_block(what, type);
    } else if (type.empty()) {
      throw Error(ErrorCode::invalid_argument, what + "type: missing");
    }  // others tell of tools that ran elsewhere; as Anthropic's own clients expect, they are
       // skipped
  }

  void finish() {
    const bool is_needed = has_text_ || !message_.tool_calls.empty() || !message_.thinking.empty();
    if (is_needed || !has_results_) messages_.push_back(std::move(message_));
  }

 private:
  void read_call(const Fields& fields, const std::string& what) {
    modelfile::ToolCall& call = message_.tool_calls.emplace_back();
    call.id = fields.text("id").value_or("");
    call.name = fields.text("name").value_or("");
    if (call.id.empty() || call.name.empty())
      throw Error(ErrorCode::invalid_argument, what + "id and name: missing");
    if (const Json* input = fields.object("input")) call.arguments = *input;
  }

  void read_result(const Fields& fields, const std::string& what) {
    has_results_ = true;
    Message& result = messages_.emplace_back();
    result.role = "tool";
    result.tool_call_id = fields.text("tool_use_id").value_or("");
    result.content = read_text(fields, "content", what, "\n");
    if (fields.boolean("is_error").value_or(false)) result.content = "Error: " + result.content;
  }

  std::vector<Message>& messages_;
  Message message_;
  bool has_text_ = false;
  bool has_results_ = false;
};

void read_message(const Json& value, const std::string& what, std::vector<Message>& messages) {
  const Fields fields(value, what);
  std::string role = fields.text("role").value_or("");
  if (role != "user" && role != "assistant" && role != "system") {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{}role: expected \"user\" or \"assistant\", found \"{}\"", what,
                            role.substr(0, 40)));
  }
  const Json* content = fields.find("content");
  if (content == nullptr) throw Error(ErrorCode::invalid_argument, what + "content: missing");
  if (content->is_string()) {
    Message& message = messages.emplace_back();
    message.role = std::move(role);
    message.content = content->get<std::string>();
    return;
  }
  if (!content->is_array()) fields.fail("content", "a string or an array of blocks", *content);
  BlockReader reader(std::move(role), messages);
  for (size_t i = 0; i < content->size(); ++i)
    reader.read((*content)[i], fmt::format("{}content[{}].", what, i));
  reader.finish();
}

void read_messages(const Fields& fields, ChatRequest& request) {
  const Json* messages = fields.array("messages");
  if (messages == nullptr || messages->empty())
    throw Error(ErrorCode::invalid_argument, "messages: expected at least one message");
  check_count("messages", messages->size(), messages_max);
  std::string system = read_text(fields, "system", "", "\n\n");
  if (!system.empty()) {
    Message& message = request.messages.emplace_back();
    message.role = "system";
    message.content = std::move(system);
  }
  for (size_t i = 0; i < messages->size(); ++i)
    read_message((*messages)[i], fmt::format("messages[{}].", i), request.messages);
  name_results(request.messages);
}

void read_anthropic_tools(const Fields& fields, ChatRequest& request) {
  const Json* tools = fields.array("tools");
  if (tools == nullptr) return;
  check_count("tools", tools->size(), tools_max);
  for (size_t i = 0; i < tools->size(); ++i) {
    const std::string what = fmt::format("tools[{}].", i);
    const Fields tool((*tools)[i], what);
    const std::string type = tool.text("type").value_or("custom");
    if (type != "custom") {  // searching the web, running code: nobody here does that
      request.warnings.push_back(fmt::format("{}type {} has no effect", what, type.substr(0, 40)));
      continue;
    }
    std::string name = tool.text("name").value_or("");
    if (name.empty()) throw Error(ErrorCode::invalid_argument, what + "name: missing");
    request.tools.push_back(
        make_tool(std::move(name), tool.find("description"), tool.object("input_schema")));
  }
}

void read_anthropic_choice(const Fields& fields, ChatRequest& request) {
  if (const Json* value = fields.object("tool_choice")) {
    const Fields choice(*value, "tool_choice.");
    const std::string type = choice.text("type").value_or("");
    ToolChoice& result = request.tool_choice;
    if (type == "any") {
      result.kind = Kind::required;
    } else if (type == "tool") {
      result = {Kind::named, choice.text("name").value_or(""), false};
    } else if (type == "none") {
      result.kind = Kind::none;
    } else if (type != "auto") {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("tool_choice.type: expected auto, any, tool or none, found \"{}\"",
                              type.substr(0, 40)));
    }
    result.is_single = choice.boolean("disable_parallel_tool_use").value_or(false);
  }
  apply_tool_choice(request);
}

// Thoughts come only where they were asked for, and a model that cannot think answers without.
void read_thinking(const Fields& fields, ChatRequest& request) {
  request.is_think_optional = true;
  if (const Json* value = fields.object("thinking")) {
    const Fields thinking(*value, "thinking.");
    const std::string type = thinking.text("type").value_or("");
    if (type != "enabled" && type != "disabled" && type != "adaptive") {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("thinking.type: expected enabled, adaptive or disabled, found \"{}\"",
                              type.substr(0, 40)));
    }
    request.think = Think{type != "disabled", ""};
    request.thoughts_tokens_max = read_thinking_budget(thinking, "budget_tokens", 1);
    note_unread(thinking, request.warnings);
  }
  const Json* value = fields.object("output_config");
  if (value == nullptr) {
    if (!request.think) request.think = Think{false, ""};
    return;
  }
  const Fields config(*value, "output_config.");
  std::string effort = config.text("effort").value_or("");
  if (effort == "xhigh") effort = "max";
  for (const std::string_view level : {"low", "medium", "high", "max"}) {
    if (effort != level) continue;
    if (!request.think) request.think = Think{};
    request.think->level = effort;
  }
  if (const Json* format = config.object("format"))
    request.format = read_format_object(*format, "output_config.format", request.warnings);
  if (!request.think) request.think = Think{false, ""};
  note_unread(config, request.warnings);
}

void read_sampling(const Fields& fields, ChatRequest& request) {
  const auto number = [&fields](std::string_view key) -> std::optional<float> {
    const std::optional<double> value = fields.number(key);
    if (!value) return std::nullopt;
    if (*value >= 0 && *value <= 1) return static_cast<float>(*value);
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{}: expected 0 to 1, found {}", key, *value));
  };
  request.options.temperature = number("temperature");
  request.options.top_p = number("top_p");
  request.options.top_k = fields.integer("top_k");
  request.options.stop = fields.texts("stop_sequences");
  check_stops(request.options);
}

// Fields that change nothing, none of the answer's business: they are not worth a warning.
void skip_quiet_fields(const Fields& fields) {
  for (const char* key : {"betas", "cache_control"}) fields.find(key);
}

ChatRequest read_shared(const Fields& fields) {
  ChatRequest request;
  request.model = fields.text("model").value_or("");
  if (request.model.empty()) throw Error(ErrorCode::invalid_argument, "model: missing");
  read_messages(fields, request);
  read_anthropic_tools(fields, request);
  read_anthropic_choice(fields, request);
  read_thinking(fields, request);
  if (const Json* format = fields.object("output_format"); format != nullptr && !request.format)
    request.format = read_format_object(*format, "output_format", request.warnings);
  request.truncate = fields.boolean("truncate").value_or(false);
  skip_quiet_fields(fields);
  return request;
}

}  // namespace

ChatRequest read_anthropic_messages(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  ChatRequest request = read_shared(fields);
  request.is_stream = fields.boolean("stream").value_or(false);
  request.counts_prompt_first = request.is_stream;
  const std::optional<int64_t> tokens = fields.integer("max_tokens");
  if (!tokens || *tokens < 1) {
    throw Error(ErrorCode::invalid_argument,
                tokens ? fmt::format("max_tokens: expected at least 1, found {}", *tokens)
                       : std::string("max_tokens: missing"));
  }
  request.options.num_predict = *tokens;
  read_sampling(fields, request);
  request.keep_alive = read_keep_alive(fields);
  note_unread(fields, request.warnings);
  return request;
}

ChatRequest read_anthropic_count(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  ChatRequest request = read_shared(fields);
  note_unread(fields, request.warnings);
  return request;
}

}  // namespace hearth::api
