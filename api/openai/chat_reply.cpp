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

Json whole_choice(const ChatEvent& event) {
  Json choice;
  choice["index"] = event.choice;
  choice["message"] = {{"role", "assistant"}, {"content", event.content}, {"refusal", nullptr}};
  if (!event.thinking.empty()) {
    choice["message"]["reasoning"] = event.thinking;
    choice["message"]["reasoning_content"] = event.thinking;
  }
  const bool has_calls = !event.tool_calls.empty();
  if (has_calls) {
    if (event.content.empty()) choice["message"]["content"] = nullptr;
    choice["message"]["tool_calls"] = write_tool_calls(event.tool_calls, 0);
  }
  choice["logprobs"] = nullptr;
  add_log_probs(choice, event);
  choice["finish_reason"] = finish_reason(event.reason, has_calls);
  return choice;
}

}  // namespace

OpenAiChatWriter::OpenAiChatWriter(const ChatRequest& request, std::string id, WallTime created)
    : head_(openai_head(std::move(id), "chat.completion", created, request.model)),
      includes_usage_(request.includes_usage),
      call_counts_(static_cast<size_t>(request.choice_count)),
      has_role_(static_cast<size_t>(request.choice_count)) {}

std::string OpenAiChatWriter::chunk(size_t index, Json delta, const Json& finish_reason,
                                    const ChatEvent* event) const {
  Json choice;
  choice["index"] = index;
  choice["delta"] = std::move(delta);
  if (event != nullptr) add_log_probs(choice, *event);
  choice["finish_reason"] = finish_reason;
  Json value = head_;
  value["object"] = "chat.completion.chunk";
  value["choices"] = Json::array({std::move(choice)});
  return openai_frame(to_line(value));
}

std::vector<std::string> OpenAiChatWriter::frames(const ChatEvent& event, WallTime) {
  std::vector<std::string> frames;
  const size_t index = event.choice;
  if (!has_role_.at(index)) {  // the role comes alone, as OpenAI sends it
    has_role_[index] = true;
    frames.push_back(chunk(index, {{"role", "assistant"}, {"content", ""}}, nullptr));
  }
  if (!event.thinking.empty()) frames.push_back(chunk(index, thoughts(event.thinking), nullptr));
  if (!event.content.empty() || !event.log_probs.empty())
    frames.push_back(chunk(index, {{"content", event.content}}, nullptr, &event));
  size_t& call_count = call_counts_.at(index);
  if (!event.tool_calls.empty()) {
    Json delta = {{"tool_calls", write_tool_calls(event.tool_calls, call_count)}};
    frames.push_back(chunk(index, std::move(delta), nullptr));
    call_count += event.tool_calls.size();
  }
  if (event.ends_choice)
    frames.push_back(chunk(index, Json::object(), finish_reason(event.reason, call_count > 0)));
  if (!event.is_final) return frames;
  if (includes_usage_) {
    Json value = head_;
    value["object"] = "chat.completion.chunk";
    value["choices"] = Json::array();
    value["usage"] = openai_usage(event.metrics);
    frames.push_back(openai_frame(to_line(value)));
  }
  frames.push_back(openai_frame("[DONE]"));
  return frames;
}

std::string OpenAiChatWriter::whole(const WholeAnswer& answer, WallTime) {
  Json value = head_;
  value["choices"] = Json::array();
  for (const ChatEvent& event : answer.choices) value["choices"].push_back(whole_choice(event));
  value["usage"] = openai_usage(answer.metrics);
  return to_line(value);
}

}  // namespace hearth::api
