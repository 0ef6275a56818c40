#include "api/native/reply.h"

#include "api/json.h"
#include "api/log_probs.h"
#include "api/native.h"

namespace hearth::api {

Json reply_head(const std::string& model, WallTime now) {
  Json line;
  line["model"] = model;
  line["created_at"] = rfc3339_utc(now);
  return line;
}

ChatEvent only_choice(const WholeAnswer& answer) {
  ChatEvent event = answer.choices.front();
  event.is_final = true;
  event.metrics = answer.metrics;
  return event;
}

void add_log_probs(Json& line, const ChatEvent& event) {
  if (!event.log_probs.empty()) line["logprobs"] = write_log_probs(event.log_probs);
}

void add_reply_end(Json& line, const ChatEvent& event) {
  line["done"] = event.is_final;
  if (!event.is_final) return;
  line["done_reason"] = to_string(event.reason);
  if (!event.context_tokens.empty()) line["context"] = event.context_tokens;
  const auto add = [&line](const char* key, int64_t value) {
    if (value != 0) line[key] = value;
  };
  add("total_duration", event.metrics.total_ns);
  add("load_duration", event.metrics.load_ns);
  add("prompt_eval_count", event.metrics.prompt_tokens);
  add("prompt_eval_duration", event.metrics.prompt_ns);
  add("eval_count", event.metrics.generated_tokens);
  add("eval_duration", event.metrics.generation_ns);
}

std::string write_native_rendered(const ChatRequest& request, std::string_view prompt,
                                  WallTime now) {
  Json line = reply_head(request.model, now);
  if (request.operation == Operation::chat) {
    line["message"] = {{"role", ""}, {"content", ""}};
  } else {
    line["response"] = "";
  }
  line["done"] = false;
  line["_debug_info"] = {{"rendered_template", prompt}};
  return to_line(line);
}

std::string write_health(std::string_view status) {
  return to_line(Json{{"status", status}});
}

}  // namespace hearth::api
