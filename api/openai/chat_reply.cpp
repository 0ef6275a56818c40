// POST /v1/chat/completions, the reply: one body or server-sent events.
#include "api/json.h"
#include "api/log_probs.h"
#include "api/openai.h"
#include "api/openai/reply.h"

namespace hearth::api {
namespace {

void add_log_probs(Json& choice, const ChatEvent& event) {
  if (!event.log_probs.empty())
    choice["logprobs"] = {{"content", write_log_probs(event.log_probs)}, {"refusal", nullptr}};
}

Json write_tool_calls(const std::vector<modelfile::ToolCall>& calls, size_t first_index) {
  Json list = Json::array();
  for (const modelfile::ToolCall& call : calls) {
    list.push_back({{"index", first_index + list.size()},
                    {"id", call.id},
                    {"type", "function"},
                    {"function", {{"name", call.name}, {"arguments", to_line(call.arguments)}}}});
  }
  return list;
}

// Clients look for either name.
Json thoughts(const std::string& text) {
  return {{"content", ""}, {"reasoning", text}, {"reasoning_content", text}};
}

// A model that called tools stopped for them.
std::string_view finish_reason(DoneReason reason, bool has_calls) {
  return has_calls && reason == DoneReason::stop ? "tool_calls" : openai_finish_reason(reason);
}

}  // namespace

OpenAiChatWriter::OpenAiChatWriter(const ChatRequest& request, std::string id, WallTime created)
    : head_(openai_head(std::move(id), "chat.completion", created, request.model)),
      includes_usage_(request.includes_usage) {}

std::string OpenAiChatWriter::chunk(Json choice) const {
  Json value = head_;
  value["choices"] = Json::array({std::move(choice)});
  return openai_frame(to_line(value));
}

std::vector<std::string> OpenAiChatWriter::frames(const ChatEvent& event, WallTime) {
  std::vector<std::string> frames;
  const auto choice = [](Json delta, const Json& finish_reason) {
    Json value;
    value["index"] = 0;
    value["delta"] = std::move(delta);
    value["finish_reason"] = finish_reason;
    return value;
  };
  if (is_first_) {  // the role comes alone, as OpenAI sends it
    is_first_ = false;
    head_["object"] = "chat.completion.chunk";
    frames.push_back(chunk(choice({{"role", "assistant"}, {"content", ""}}, nullptr)));
  }
  if (!event.thinking.empty()) {
    frames.push_back(chunk(choice(thoughts(event.thinking), nullptr)));
  }
  if (!event.content.empty() || !event.log_probs.empty()) {
    Json piece = choice({{"content", event.content}}, nullptr);
    add_log_probs(piece, event);
    frames.push_back(chunk(std::move(piece)));
  }
  if (!event.tool_calls.empty()) {
    Json delta = {{"tool_calls", write_tool_calls(event.tool_calls, call_count_)}};
    frames.push_back(chunk(choice(std::move(delta), nullptr)));
    call_count_ += event.tool_calls.size();
  }
  if (!event.is_final) return frames;
  frames.push_back(chunk(choice(Json::object(), finish_reason(event.reason, call_count_ > 0))));
  if (includes_usage_) {
    Json value = head_;
    value["choices"] = Json::array();
    value["usage"] = openai_usage(event.metrics);
    frames.push_back(openai_frame(to_line(value)));
  }
  frames.push_back(openai_frame("[DONE]"));
  return frames;
}

std::string OpenAiChatWriter::whole(std::string_view content, const ChatEvent& event, WallTime) {
  Json choice;
  choice["index"] = 0;
  choice["message"] = {{"role", "assistant"}, {"content", content}, {"refusal", nullptr}};
  if (!event.thinking.empty()) {
    choice["message"]["reasoning"] = event.thinking;
    choice["message"]["reasoning_content"] = event.thinking;
  }
  const bool has_calls = !event.tool_calls.empty();
  if (has_calls) {
    if (content.empty()) choice["message"]["content"] = nullptr;
    choice["message"]["tool_calls"] = write_tool_calls(event.tool_calls, 0);
  }
  choice["logprobs"] = nullptr;
  add_log_probs(choice, event);
  choice["finish_reason"] = finish_reason(event.reason, has_calls);
  Json value = head_;
  value["choices"] = Json::array({std::move(choice)});
  value["usage"] = openai_usage(event.metrics);
  return to_line(value);
}

}  // namespace hearth::api
