#include "api/openai/reply.h"

#include <fmt/format.h>

#include <chrono>

#include "api/json.h"
#include "api/openai.h"

namespace hearth::api {

Json openai_head(std::string id, std::string_view object, WallTime created,
                 const std::string& model) {
  Json value;
  value["id"] = std::move(id);
  value["object"] = object;
  value["created"] =
      std::chrono::duration_cast<std::chrono::seconds>(created.time_since_epoch()).count();
  value["model"] = model;
  value["system_fingerprint"] = "fp_ollama";
  return value;
}

Json openai_usage(const Metrics& metrics) {
  Json value;
  value["prompt_tokens"] = metrics.prompt_tokens;
  value["completion_tokens"] = metrics.generated_tokens;
  value["total_tokens"] = metrics.prompt_tokens + metrics.generated_tokens;
  value["completion_tokens_details"] = {{"reasoning_tokens", metrics.thinking_tokens}};
  value["prompt_tokens_details"] = {{"cached_tokens", metrics.cached_prompt_tokens}};
  return value;
}

std::string_view openai_finish_reason(DoneReason reason) {
  return reason == DoneReason::length ? "length" : "stop";
}

std::string write_openai_chat_count(int64_t tokens) {
  return to_line(Json{{"object", "chat.completion.count"}, {"prompt_tokens", tokens}});
}

std::string openai_frame(std::string_view data) {
  return fmt::format("data: {}\n\n", data);
}

}  // namespace hearth::api
