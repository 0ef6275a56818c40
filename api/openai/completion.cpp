// POST /v1/completions: the older endpoint, one prompt in, text out.
#include <fmt/format.h>

#include <chrono>

#include "api/json.h"
#include "api/native/common_fields.h"
#include "api/openai.h"
#include "api/openai/common_fields.h"
#include "api/openai/reply.h"
#include "base/error.h"

namespace hearth::api {
namespace {

// One text; a list with one text is the same.
std::string read_prompt(const Fields& fields) {
  const Json* prompt = fields.find("prompt");
  if (prompt == nullptr) throw Error(ErrorCode::invalid_argument, "prompt: missing");
  if (prompt->is_array() && prompt->size() == 1) prompt = &prompt->front();
  if (prompt->is_array()) {
    throw Error(
        ErrorCode::unsupported,
        fmt::format("prompt: expected one text, found a list of {}; send a request for each",
                    prompt->size()));
  }
  if (!prompt->is_string()) fields.fail("prompt", "a string", *prompt);
  return prompt->get<std::string>();
}

// A number of likeliest tokens; 0 and absent: none.
std::optional<int32_t> read_log_probs(const Fields& fields) {
  const int64_t count = fields.integer("logprobs").value_or(0);
  if (count < 0 || count > 20) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("logprobs: expected 0 to 20, found {}", count));
  }
  return count == 0 ? std::nullopt : std::optional(static_cast<int32_t>(count));
}

Json write_log_probs_of_completion(const std::vector<TokenLogProb>& log_probs, size_t& offset) {
  Json value;
  value["tokens"] = Json::array();
  value["token_logprobs"] = Json::array();
  value["top_logprobs"] = Json::array();
  value["text_offset"] = Json::array();
  for (const TokenLogProb& entry : log_probs) {
    value["tokens"].push_back(entry.token);
    value["token_logprobs"].push_back(entry.value);
    Json top = Json::object();
    for (const TokenLogProb& other : entry.top) top[other.token] = other.value;
    value["top_logprobs"].push_back(std::move(top));
    value["text_offset"].push_back(offset);
    offset += entry.token.size();
  }
  return value;
}

}  // namespace

ChatRequest read_openai_completion(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  ChatRequest request;
  request.operation = Operation::generate;
  read_openai_common(fields, request);
  Message& message = request.messages.emplace_back();
  message.role = "user";
  message.content = read_prompt(fields);
  const std::string suffix = fields.text("suffix").value_or("");
  if (!suffix.empty()) request.suffix = suffix;
  request.top_log_probs = read_log_probs(fields);
  if (fields.boolean("echo").value_or(false)) {
    throw Error(ErrorCode::unsupported,
                "echo: repeating the prompt is not supported yet; leave the "
                "field out");
  }
  note_ignored_fields(fields, {"user"}, request.warnings);
  return request;
}

OpenAiCompletionWriter::OpenAiCompletionWriter(const ChatRequest& request, std::string id,
                                               WallTime created)
    : head_(openai_head(std::move(id), "text_completion", created, request.model)),
      includes_usage_(request.includes_usage) {}

std::string OpenAiCompletionWriter::body(std::string_view text, const ChatEvent& event) {
  Json choice;
  choice["text"] = text;
  choice["index"] = 0;
  choice["logprobs"] = event.log_probs.empty()
                           ? Json(nullptr)
                           : write_log_probs_of_completion(event.log_probs, text_offset_);
  choice["finish_reason"] =
      event.is_final ? Json(openai_finish_reason(event.reason)) : Json(nullptr);
  Json value = head_;
  value["choices"] = Json::array({std::move(choice)});
  if (event.is_final && !is_stream_) value["usage"] = openai_usage(event.metrics);
  return to_line(value);
}

std::vector<std::string> OpenAiCompletionWriter::frames(const ChatEvent& event, WallTime) {
  is_stream_ = true;
  std::vector<std::string> frames{openai_frame(body(event.content, event))};
  if (!event.is_final) return frames;
  if (includes_usage_) {
    Json value = head_;
    value["choices"] = Json::array();
    value["usage"] = openai_usage(event.metrics);
    frames.push_back(openai_frame(to_line(value)));
  }
  frames.push_back(openai_frame("[DONE]"));
  return frames;
}

std::string OpenAiCompletionWriter::whole(std::string_view content, const ChatEvent& event,
                                          WallTime) {
  return body(content, event);
}

}  // namespace hearth::api
