// POST /v1/completions: the older endpoint, one prompt in, text out.
#include <fmt/format.h>

#include <utility>

#include "api/json.h"
#include "api/limits.h"
#include "api/native/common_fields.h"
#include "api/openai.h"
#include "api/openai/common_fields.h"
#include "api/openai/reply.h"
#include "base/error.h"

namespace hearth::api {
namespace {

constexpr std::string_view prompt_kinds =
    "a string, an array of strings, an array of token ids or an array of such arrays";

// Prompts of token ids go to the model as they are.
void set_prompt(const Fields& fields, const Json& value, ChatRequest& request) {
  if (value.is_string()) {
    Message& message = request.messages.emplace_back();
    message.role = "user";
    message.content = value.get<std::string>();
    return;
  }
  if (!value.is_array()) fields.fail("prompt", prompt_kinds, value);
  const Json wrapped{{"prompt", value}};
  request.context_tokens = read_tokens(Fields(wrapped), "prompt");
  if (request.context_tokens.empty())
    throw Error(ErrorCode::invalid_argument, "prompt: an array is empty");
  request.raw_prompt = "";
}

void check_choice_count(size_t prompts, int64_t answers) {
  if (static_cast<int64_t>(prompts) * answers <= choices_max) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("prompt: {} prompts with n {} are more than {} answers; send several "
                          "requests",
                          prompts, answers, choices_max));
}

// A request per prompt, each otherwise like `head`.
std::vector<ChatRequest> for_each_prompt(const Fields& fields, const ChatRequest& head) {
  const Json* value = fields.find("prompt");
  if (value == nullptr || (value->is_array() && value->empty()))
    throw Error(ErrorCode::invalid_argument, "prompt: missing");
  const bool is_one = !value->is_array() || value->front().is_number();
  const Json prompts = is_one ? Json::array({*value}) : *value;
  check_choice_count(prompts.size(), head.choice_count);
  const bool is_echo = fields.boolean("echo").value_or(false);
  std::vector<ChatRequest> requests(prompts.size(), head);
  for (size_t i = 0; i < prompts.size(); ++i) {
    set_prompt(fields, prompts[i], requests[i]);
    if (!is_echo) continue;
    if (requests[i].raw_prompt) {
      throw Error(ErrorCode::unsupported,
                  "echo: a prompt of token ids is not repeated; send it as text");
    }
    requests[i].echo = requests[i].messages.front().content;
  }
  return requests;
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

std::vector<ChatRequest> read_openai_completion(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  ChatRequest head;
  head.operation = Operation::generate;
  read_openai_common(fields, head);
  const std::string suffix = fields.text("suffix").value_or("");
  if (!suffix.empty()) head.suffix = suffix;
  head.top_log_probs = read_log_probs(fields);
  std::vector<ChatRequest> requests = for_each_prompt(fields, head);
  if (!requests.front().echo.empty() && head.top_log_probs)
    requests.front().warnings.push_back("logprobs are those of the answer, not of the echo");
  note_unread(fields, requests.front().warnings);
  return requests;
}

OpenAiCompletionWriter::OpenAiCompletionWriter(const std::vector<ChatRequest>& requests,
                                               std::string id, WallTime created)
    : head_(openai_head(std::move(id), "text_completion", created, requests.front().model)),
      includes_usage_(requests.front().includes_usage) {
  for (const ChatRequest& request : requests) {
    for (int64_t i = 0; i < request.choice_count; ++i)
      answers_.push_back({request.echo, request.echo.size()});
  }
}

Json OpenAiCompletionWriter::choice(const ChatEvent& event) {
  Answer& answer = answers_.at(event.choice);
  Json choice;
  choice["text"] = std::exchange(answer.echo, "") + event.content;
  choice["index"] = event.choice;
  choice["logprobs"] = event.log_probs.empty()
                           ? Json(nullptr)
                           : write_log_probs_of_completion(event.log_probs, answer.text_offset);
  choice["finish_reason"] =
      event.ends_choice ? Json(openai_finish_reason(event.reason)) : Json(nullptr);
  return choice;
}

std::vector<std::string> OpenAiCompletionWriter::frames(const ChatEvent& event, WallTime) {
  Json value = head_;
  value["choices"] = Json::array({choice(event)});
  std::vector<std::string> frames{openai_frame(to_line(value))};
  if (!event.is_final) return frames;
  if (includes_usage_) {
    value["choices"] = Json::array();
    value["usage"] = openai_usage(event.metrics);
    frames.push_back(openai_frame(to_line(value)));
  }
  frames.push_back(openai_frame("[DONE]"));
  return frames;
}

std::string OpenAiCompletionWriter::whole(const WholeAnswer& answer, WallTime) {
  Json value = head_;
  value["choices"] = Json::array();
  for (const ChatEvent& event : answer.choices) value["choices"].push_back(choice(event));
  value["usage"] = openai_usage(answer.metrics);
  return to_line(value);
}

}  // namespace hearth::api
