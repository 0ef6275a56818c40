// POST /v1/responses, the reply: one response object, or the events that build it.
#include <fmt/format.h>

#include <chrono>

#include "api/json.h"
#include "api/log_probs.h"
#include "api/openai_responses.h"

namespace hearth::api {
namespace {

int64_t seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Json write_usage(const Metrics& metrics) {
  Json usage;
  usage["input_tokens"] = metrics.prompt_tokens;
  usage["input_tokens_details"] = {{"cached_tokens", metrics.cached_prompt_tokens},
                                   {"cache_write_tokens", 0}};
  usage["output_tokens"] = metrics.generated_tokens;
  usage["output_tokens_details"] = {{"reasoning_tokens", metrics.thinking_tokens}};
  usage["total_tokens"] = metrics.prompt_tokens + metrics.generated_tokens;
  return usage;
}

Json summary_part(const std::string& text) {
  return {{"type", "summary_text"}, {"text", text}};
}

Json text_part(const std::string& text, Json log_probs) {
  Json part;
  part["type"] = "output_text";
  part["text"] = text;
  part["annotations"] = Json::array();
  part["logprobs"] = std::move(log_probs);
  return part;
}

Json message_item(std::string id, std::string_view status, Json content) {
  Json item;
  item["id"] = std::move(id);
  item["type"] = "message";
  item["status"] = status;
  item["role"] = "assistant";
  item["content"] = std::move(content);
  return item;
}

Json call_item(std::string id, std::string_view status, const modelfile::ToolCall& call,
               std::string arguments) {
  Json item;
  item["id"] = std::move(id);
  item["type"] = "function_call";
  item["status"] = status;
  item["call_id"] = call.id;
  item["name"] = call.name;
  item["arguments"] = std::move(arguments);
  return item;
}

}  // namespace

OpenAiResponsesWriter::OpenAiResponsesWriter(const ResponsesRequest& request, std::string id,
                                             WallTime created)
    : suffix_(id.substr(id.find('_') + 1)),
      shows_log_probs_(request.shows_log_probs),
      shows_encrypted_reasoning_(request.shows_encrypted_reasoning) {
  response_["id"] = std::move(id);
  response_["object"] = "response";
  response_["created_at"] = seconds(created);
  response_["status"] = "in_progress";
  response_["completed_at"] = nullptr;
  response_["error"] = nullptr;
  response_["incomplete_details"] = nullptr;
  response_["model"] = request.chat.model;
  response_["output"] = Json::array();
  for (const auto& [key, value] : request.echo.items()) response_[key] = value;
}

std::string OpenAiResponsesWriter::item_id(std::string_view kind) const {
  return fmt::format("{}_{}{}", kind, suffix_, item_index());
}

void OpenAiResponsesWriter::emit(std::string_view type, Json fields) {
  Json value;
  value["type"] = type;
  value["sequence_number"] = sequence_number_++;
  value.update(fields);
  frames_.push_back(fmt::format("event: {}\ndata: {}\n\n", type, to_line(value)));
}

void OpenAiResponsesWriter::begin_stream() {
  if (has_begun_) return;
  has_begun_ = true;
  emit("response.created", {{"response", response_}});
  emit("response.in_progress", {{"response", response_}});
}

void OpenAiResponsesWriter::open(Open kind) {
  if (open_ == kind) return;
  close_item();
  open_ = kind;
  text_.clear();
  log_probs_ = Json::array();
  const size_t index = item_index();
  if (kind == Open::reasoning) {
    const std::string id = item_id("rs");
    const Json item = {{"id", id}, {"type", "reasoning"}, {"summary", Json::array()}};
    emit("response.output_item.added", {{"output_index", index}, {"item", item}});
    emit("response.reasoning_summary_part.added", {{"item_id", id},
                                                   {"output_index", index},
                                                   {"summary_index", 0},
                                                   {"part", summary_part("")}});
  } else {
    const std::string id = item_id("msg");
    const Json item = message_item(id, "in_progress", Json::array());
    emit("response.output_item.added", {{"output_index", index}, {"item", item}});
    emit("response.content_part.added", {{"item_id", id},
                                         {"output_index", index},
                                         {"content_index", 0},
                                         {"part", text_part("", Json::array())}});
  }
}

void OpenAiResponsesWriter::close_reasoning() {
  const std::string id = item_id("rs");
  const Json place = {{"item_id", id}, {"output_index", item_index()}, {"summary_index", 0}};
  Json done = place;
  done["text"] = text_;
  emit("response.reasoning_summary_text.done", std::move(done));
  Json part = place;
  part["part"] = summary_part(text_);
  emit("response.reasoning_summary_part.done", std::move(part));
  Json item;
  item["id"] = id;
  item["type"] = "reasoning";
  item["summary"] = Json::array({summary_part(text_)});
  if (shows_encrypted_reasoning_) item["encrypted_content"] = text_;
  emit("response.output_item.done", {{"output_index", item_index()}, {"item", item}});
  response_["output"].push_back(std::move(item));
}

void OpenAiResponsesWriter::close_message() {
  const std::string id = item_id("msg");
  const Json place = {{"item_id", id}, {"output_index", item_index()}, {"content_index", 0}};
  Json done = place;
  done["text"] = text_;
  done["logprobs"] = log_probs_;
  emit("response.output_text.done", std::move(done));
  const Json part = text_part(text_, log_probs_);
  Json part_done = place;
  part_done["part"] = part;
  emit("response.content_part.done", std::move(part_done));
  const Json item = message_item(id, "completed", Json::array({part}));
  emit("response.output_item.done", {{"output_index", item_index()}, {"item", item}});
  response_["output"].push_back(item);
}

void OpenAiResponsesWriter::close_item() {
  if (open_ == Open::reasoning) close_reasoning();
  if (open_ == Open::message) close_message();
  open_ = Open::nothing;
}

void OpenAiResponsesWriter::add_call(const modelfile::ToolCall& call) {
  close_item();
  const std::string id = item_id("fc");
  const size_t index = item_index();
  const std::string arguments = to_line(call.arguments);
  emit("response.output_item.added",
       {{"output_index", index}, {"item", call_item(id, "in_progress", call, "")}});
  emit("response.function_call_arguments.delta",
       {{"item_id", id}, {"output_index", index}, {"delta", arguments}});
  emit("response.function_call_arguments.done",
       {{"item_id", id}, {"output_index", index}, {"name", call.name}, {"arguments", arguments}});
  Json item = call_item(id, "completed", call, arguments);
  emit("response.output_item.done", {{"output_index", index}, {"item", item}});
  response_["output"].push_back(std::move(item));
}

void OpenAiResponsesWriter::end(const ChatEvent& event, WallTime now) {
  const bool is_cut = event.reason == DoneReason::length;
  if (open_ == Open::nothing && response_["output"].empty()) open(Open::message);
  close_item();
  if (is_cut && response_["output"].back().contains("status"))
    response_["output"].back()["status"] = "incomplete";
  response_["status"] = is_cut ? "incomplete" : "completed";
  if (is_cut) {
    response_["incomplete_details"] = {{"reason", "max_output_tokens"}};
  } else {
    response_["completed_at"] = seconds(now);
  }
  response_["usage"] = write_usage(event.metrics);
  emit(is_cut ? "response.incomplete" : "response.completed", {{"response", response_}});
}

void OpenAiResponsesWriter::add(const ChatEvent& event, WallTime now) {
  begin_stream();
  if (!event.thinking.empty()) {
    open(Open::reasoning);
    text_ += event.thinking;
    emit("response.reasoning_summary_text.delta", {{"item_id", item_id("rs")},
                                                   {"output_index", item_index()},
                                                   {"summary_index", 0},
                                                   {"delta", event.thinking}});
  }
  if (!event.content.empty()) {
    open(Open::message);
    text_ += event.content;
    Json log_probs = shows_log_probs_ ? write_log_probs(event.log_probs) : Json::array();
    log_probs_.insert(log_probs_.end(), log_probs.begin(), log_probs.end());
    emit("response.output_text.delta", {{"item_id", item_id("msg")},
                                        {"output_index", item_index()},
                                        {"content_index", 0},
                                        {"delta", event.content},
                                        {"logprobs", std::move(log_probs)}});
  }
  for (const modelfile::ToolCall& call : event.tool_calls) add_call(call);
  if (event.is_final) end(event, now);
}

std::vector<std::string> OpenAiResponsesWriter::frames(const ChatEvent& event, WallTime now) {
  add(event, now);
  return std::exchange(frames_, {});
}

std::string OpenAiResponsesWriter::whole(const WholeAnswer& answer, WallTime now) {
  ChatEvent event = answer.choices.front();
  event.is_final = true;
  event.metrics = answer.metrics;
  add(event, now);
  frames_.clear();
  return to_line(response_);
}

std::string OpenAiResponsesWriter::failure_frame(int status, std::string_view message) {
  begin_stream();
  response_["status"] = "failed";
  response_["error"] = {{"code", status < 500 ? "invalid_prompt" : "server_error"},
                        {"message", message}};
  emit("response.failed", {{"response", response_}});
  std::string all;
  for (const std::string& frame : std::exchange(frames_, {})) all += frame;
  return all;
}

Message OpenAiResponsesWriter::message() const {
  Message message;
  message.role = "assistant";
  for (const Json& item : response_["output"]) {
    const std::string& type = item["type"].get_ref<const std::string&>();
    if (type == "message") message.content += item["content"][0]["text"].get<std::string>();
    if (type == "reasoning") message.thinking += item["summary"][0]["text"].get<std::string>();
    if (type != "function_call") continue;
    modelfile::ToolCall& call = message.tool_calls.emplace_back();
    call.id = item["call_id"].get<std::string>();
    call.name = item["name"].get<std::string>();
    call.arguments = Json::parse(item["arguments"].get_ref<const std::string&>());
  }
  return message;
}

std::string write_openai_input_tokens(int64_t tokens) {
  Json value;
  value["object"] = "response.input_tokens";
  value["input_tokens"] = tokens;
  return to_line(value);
}

std::string write_openai_deleted_response(const std::string& id) {
  Json value;
  value["id"] = id;
  value["object"] = "response";
  value["deleted"] = true;
  return to_line(value);
}

}  // namespace hearth::api
