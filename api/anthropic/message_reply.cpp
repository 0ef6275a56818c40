// POST /v1/messages, the reply: one message, or the events that build it.
#include <fmt/format.h>

#include "api/anthropic.h"
#include "api/json.h"
#include "base/base64.h"
#include "base/digest.h"

namespace hearth::api {
namespace {

std::string frame(std::string_view type, Json fields) {
  Json value;
  value["type"] = type;
  value.update(fields);
  return fmt::format("event: {}\ndata: {}\n\n", type, to_line(value));
}

// Clients send thoughts back with their signature and drop those without one. Here it says nothing
// but which text it stood at: nobody is asked to trust it.
std::string signature(std::string_view thoughts) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(thoughts.data(), thoughts.size())));
  const std::string text = hash.finish_hex();
  return encode_base64(std::as_bytes(std::span(text.data(), text.size())));
}

Json thinking_block(const std::string& text, std::string signed_by) {
  return {{"type", "thinking"}, {"thinking", text}, {"signature", std::move(signed_by)}};
}

Json text_block(const std::string& text) {
  return {{"type", "text"}, {"text", text}};
}

Json call_block(const modelfile::ToolCall& call, Json input) {
  return {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", std::move(input)}};
}

// What was read again and what the cache had are counted apart.
Json write_usage(const Metrics& metrics) {
  Json usage;
  usage["input_tokens"] = metrics.prompt_tokens;
  usage["output_tokens"] = metrics.generated_tokens;
  return usage;
}

}  // namespace

AnthropicWriter::AnthropicWriter(const ChatRequest& request, std::string id) {
  head_["id"] = std::move(id);
  head_["type"] = "message";
  head_["role"] = "assistant";
  head_["model"] = request.model;
}

Json AnthropicWriter::stop_fields(const ChatEvent& event) const {
  std::string_view reason = "end_turn";
  if (event.reason == DoneReason::length) {
    reason = "max_tokens";
  } else if (has_calls_) {
    reason = "tool_use";
  } else if (!event.stop.empty()) {
    reason = "stop_sequence";
  }
  Json fields;
  fields["stop_reason"] = reason;
  fields["stop_sequence"] = reason == "stop_sequence" ? Json(event.stop) : Json(nullptr);
  return fields;
}

void AnthropicWriter::begin(const ChatEvent& event, std::vector<std::string>& frames) {
  if (has_begun_) return;
  has_begun_ = true;
  Json message = head_;
  message["content"] = Json::array();
  message["stop_reason"] = nullptr;
  message["stop_sequence"] = nullptr;
  message["usage"] = write_usage(event.metrics);
  message["usage"]["output_tokens"] = 0;
  frames.push_back(frame("message_start", {{"message", std::move(message)}}));
}

void AnthropicWriter::close(std::vector<std::string>& frames) {
  if (block_ == Block::none) return;
  if (block_ == Block::thinking)
    add_delta({{"type", "signature_delta"}, {"signature", signature(thoughts_)}}, frames);
  frames.push_back(frame("content_block_stop", {{"index", index_}}));
  block_ = Block::none;
  thoughts_.clear();
  ++index_;
}

void AnthropicWriter::open(Block block, std::vector<std::string>& frames) {
  if (block_ == block) return;
  close(frames);
  block_ = block;
  const Json empty = block == Block::thinking ? thinking_block("", "") : text_block("");
  frames.push_back(frame("content_block_start", {{"index", index_}, {"content_block", empty}}));
  if (!std::exchange(has_pinged_, true)) frames.push_back(frame("ping", Json::object()));
}

void AnthropicWriter::add_delta(Json delta, std::vector<std::string>& frames) const {
  frames.push_back(frame("content_block_delta", {{"index", index_}, {"delta", std::move(delta)}}));
}

void AnthropicWriter::add_call(const modelfile::ToolCall& call, std::vector<std::string>& frames) {
  close(frames);
  has_calls_ = true;
  const Json start = call_block(call, Json::object());
  frames.push_back(frame("content_block_start", {{"index", index_}, {"content_block", start}}));
  add_delta({{"type", "input_json_delta"}, {"partial_json", to_line(call.arguments)}}, frames);
  frames.push_back(frame("content_block_stop", {{"index", index_}}));
  ++index_;
}

std::vector<std::string> AnthropicWriter::frames(const ChatEvent& event, WallTime) {
  std::vector<std::string> frames;
  begin(event, frames);
  if (!event.thinking.empty()) {
    open(Block::thinking, frames);
    thoughts_ += event.thinking;
    add_delta({{"type", "thinking_delta"}, {"thinking", event.thinking}}, frames);
  }
  if (!event.content.empty()) {
    open(Block::text, frames);
    add_delta({{"type", "text_delta"}, {"text", event.content}}, frames);
  }
  for (const modelfile::ToolCall& call : event.tool_calls) add_call(call, frames);
  if (!event.is_final) return frames;
  if (index_ == 0 && block_ == Block::none) open(Block::text, frames);  // clients count on one
  close(frames);
  frames.push_back(frame("message_delta",
                         {{"delta", stop_fields(event)}, {"usage", write_usage(event.metrics)}}));
  frames.push_back(frame("message_stop", Json::object()));
  return frames;
}

std::string AnthropicWriter::whole(const WholeAnswer& answer, WallTime) {
  const ChatEvent& event = answer.choices.front();
  Json content = Json::array();
  if (!event.thinking.empty())
    content.push_back(thinking_block(event.thinking, signature(event.thinking)));
  if (!event.content.empty()) content.push_back(text_block(event.content));
  for (const modelfile::ToolCall& call : event.tool_calls)
    content.push_back(call_block(call, call.arguments));
  if (content.empty()) content.push_back(text_block(""));
  has_calls_ = !event.tool_calls.empty();
  Json value = head_;
  value["content"] = std::move(content);
  value.update(stop_fields(event));
  value["usage"] = write_usage(answer.metrics);
  return to_line(value);
}

std::string write_anthropic_count(int64_t tokens) {
  return to_line(Json{{"input_tokens", tokens}});
}

}  // namespace hearth::api
