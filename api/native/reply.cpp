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

std::string write_native_rendered(const std::string& model, std::string_view prompt, WallTime now) {
  Json line = reply_head(model, now);
  line["_debug_info"] = {{"rendered_template", prompt}};
  line["done"] = false;
  return to_line(line);
}

}  // namespace hearth::api
