// POST /v1/chat/completions, the reply: one body or server-sent events.
#include <chrono>

#include "api/json.h"
#include "api/openai.h"

namespace hearth::api {
namespace {

std::string to_event(const Json& value) {
  return "data: " + to_line(value) + "\n\n";
}

Json usage(const Metrics& metrics) {
  Json value;
  value["prompt_tokens"] = metrics.prompt_tokens;
  value["completion_tokens"] = metrics.generated_tokens;
  value["total_tokens"] = metrics.prompt_tokens + metrics.generated_tokens;
  return value;
}

std::string_view finish_reason(DoneReason reason) {
  return reason == DoneReason::length ? "length" : "stop";
}

}  // namespace

OpenAiChatWriter::OpenAiChatWriter(const ChatRequest& request, std::string id, WallTime created)
    : model_(request.model),
      id_(std::move(id)),
      created_seconds_(
          std::chrono::duration_cast<std::chrono::seconds>(created.time_since_epoch()).count()),
      includes_usage_(request.includes_usage) {}

Json OpenAiChatWriter::head(std::string_view object) const {
  Json value;
  value["id"] = id_;
  value["object"] = object;
  value["created"] = created_seconds_;
  value["model"] = model_;
  value["system_fingerprint"] = "fp_ollama";
  return value;
}

std::string OpenAiChatWriter::chunk(Json delta, const Json& reason) const {
  Json choice;
  choice["index"] = 0;
  choice["delta"] = std::move(delta);
  choice["finish_reason"] = reason;
  Json value = head("chat.completion.chunk");
  value["choices"] = Json::array({std::move(choice)});
  return to_event(value);
}

std::vector<std::string> OpenAiChatWriter::frames(const ChatEvent& event, WallTime) {
  std::vector<std::string> frames;
  if (is_first_) {  // the role comes alone, as OpenAI sends it
    Json delta = Json::object();
    delta["role"] = "assistant";
    delta["content"] = "";
    is_first_ = false;
    frames.push_back(chunk(std::move(delta), nullptr));
  }
  if (!event.content.empty()) {
    Json delta = Json::object();
    delta["content"] = event.content;
    frames.push_back(chunk(std::move(delta), nullptr));
  }
  if (!event.is_final) return frames;
  frames.push_back(chunk(Json::object(), finish_reason(event.reason)));
  if (includes_usage_) {
    Json value = head("chat.completion.chunk");
    value["choices"] = Json::array();
    value["usage"] = usage(event.metrics);
    frames.push_back(to_event(value));
  }
  frames.push_back("data: [DONE]\n\n");
  return frames;
}

std::string OpenAiChatWriter::whole(std::string_view content, const ChatEvent& event, WallTime) {
  Json choice;
  choice["index"] = 0;
  choice["message"] = {{"role", "assistant"}, {"content", content}};
  choice["finish_reason"] = finish_reason(event.reason);
  Json value = head("chat.completion");
  value["choices"] = Json::array({std::move(choice)});
  value["usage"] = usage(event.metrics);
  return to_line(value);
}

}  // namespace hearth::api
