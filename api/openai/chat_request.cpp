// POST /v1/chat/completions, the request.
#include <fmt/format.h>

#include <array>

#include "api/json.h"
#include "api/native/common_fields.h"
#include "api/openai.h"
#include "base/error.h"

namespace hearth::api {
namespace {

// Text parts are joined by line breaks: one message stays one message.
std::string read_content(const Fields& fields, std::string_view what) {
  const Json* content = fields.find("content");
  if (content == nullptr) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) fields.fail("content", "a string or an array of parts", *content);
  std::string text;
  for (size_t i = 0; i < content->size(); ++i) {
    const std::string name = fmt::format("{}content[{}].", what, i);
    const Fields part((*content)[i], name);
    const std::string type = part.text("type").value_or("");
    if (type != "text") {
      throw Error(ErrorCode::unsupported,
                  fmt::format("{}type: \"{}\" is not supported yet; send parts of type \"text\"",
                              name, type));
    }
    if (i > 0) text += "\n";
    text += part.text("text").value_or("");
  }
  return text;
}

Message read_message(const Json& value, const std::string& what) {
  const Fields fields(value, what);
  Message message;
  message.role = fields.text("role").value_or("");
  if (message.role.empty()) throw Error(ErrorCode::invalid_argument, what + "role: missing");
  // What OpenAI calls developer is the system message of every template.
  if (message.role == "developer") message.role = "system";
  message.content = read_content(fields, what);
  refuse_unless_empty(fields, "tool_calls",
                      "tools are not supported yet; leave calls and their results out");
  return message;
}

void read_stop(const Fields& fields, modelfile::Parameters& options) {
  const Json* stop = fields.find("stop");
  if (stop == nullptr) return;
  options.stop = stop->is_string() ? std::vector<std::string>{stop->get<std::string>()}
                                   : fields.texts("stop").value_or(std::vector<std::string>{});
}

std::optional<float> read_float(const Fields& fields, std::string_view key, double min,
                                double max) {
  const std::optional<double> value = fields.number(key);
  if (!value) return std::nullopt;
  if (!(*value >= min && *value <= max)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{}: expected {} to {}, found {}", key, min, max, *value));
  }
  return static_cast<float>(*value);
}

// Absent sampling fields stay absent, so that the model's own parameters hold; what is then still
// unsaid is OpenAI's default of 1 only where the model says nothing (docs/api.md).
void read_sampling(const Fields& fields, modelfile::Parameters& options) {
  options.temperature = read_float(fields, "temperature", 0, 2);
  options.top_p = read_float(fields, "top_p", 0, 1);
  options.frequency_penalty = read_float(fields, "frequency_penalty", -2, 2);
  options.presence_penalty = read_float(fields, "presence_penalty", -2, 2);
  options.seed = fields.integer("seed");
  options.num_predict = fields.integer("max_completion_tokens");
  if (!options.num_predict) options.num_predict = fields.integer("max_tokens");
  if (options.num_predict && *options.num_predict < 1) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("max_completion_tokens: expected at least 1, found {}", *options.num_predict));
  }
  read_stop(fields, options);
}

void check_response_format(const Fields& fields) {
  const Json* format = fields.object("response_format");
  if (format == nullptr) return;
  const std::string type = Fields(*format, "response_format.").text("type").value_or("text");
  if (type == "text") return;
  throw Error(ErrorCode::unsupported, fmt::format("response_format: \"{}\" is not supported yet; "
                                                  "leave the field out and ask for JSON in the "
                                                  "prompt",
                                                  type));
}

void check_reasoning(const Fields& fields) {
  std::string effort = fields.text("reasoning_effort").value_or("");
  if (const Json* reasoning = fields.object("reasoning")) {
    effort = Fields(*reasoning, "reasoning.").text("effort").value_or(effort);
  }
  if (effort.empty() || effort == "none") return;
  throw Error(ErrorCode::unsupported,
              "reasoning_effort: this version of hearth does not support thinking; leave it out or "
              "send \"none\"");
}

void refuse_later_features(const Fields& fields) {
  refuse_unless_empty(
      fields, "tools",
      "this model does not support tools in this version of hearth; leave them out");
  refuse_unless_empty(fields, "functions", "functions are not supported; leave them out");
  refuse_unless_empty(fields, "logprobs",
                      "log-probabilities are not supported yet; leave the field out");
  refuse_unless_empty(fields, "logit_bias",
                      "biasing tokens is not supported yet; leave the field out");
  refuse_unless_empty(fields, "audio", "sound is not supported; leave the field out");
  const int64_t choices = fields.integer("n").value_or(1);
  if (choices != 1) {
    throw Error(
        ErrorCode::unsupported,
        fmt::format(
            "n: only 1 answer per request is supported yet, found {}; send the request again for "
            "another",
            choices));
  }
  check_response_format(fields);
  check_reasoning(fields);
}

void note_ignored_fields(const Fields& fields, std::vector<std::string>& warnings) {
  constexpr std::array<std::string_view, 6> ignored{"tool_choice",  "parallel_tool_calls",
                                                    "service_tier", "prediction",
                                                    "modalities",   "web_search_options"};
  for (const std::string_view key : ignored) {
    if (fields.find(key) != nullptr) warnings.push_back(fmt::format("{} has no effect", key));
  }
}

}  // namespace

ChatRequest read_openai_chat(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  ChatRequest request;
  request.model = fields.text("model").value_or("");
  if (request.model.empty()) throw Error(ErrorCode::invalid_argument, "model: missing");
  const Json* messages = fields.array("messages");
  if (messages == nullptr || messages->empty()) {
    throw Error(ErrorCode::invalid_argument, "messages: expected at least one message");
  }
  for (size_t i = 0; i < messages->size(); ++i) {
    request.messages.push_back(read_message((*messages)[i], fmt::format("messages[{}].", i)));
  }
  request.is_stream = fields.boolean("stream").value_or(false);
  if (const Json* stream_options = fields.object("stream_options")) {
    request.includes_usage =
        Fields(*stream_options, "stream_options.").boolean("include_usage").value_or(false);
  }
  read_sampling(fields, request.options);
  request.uses_openai_defaults = true;
  refuse_later_features(fields);
  note_ignored_fields(fields, request.warnings);
  return request;
}

}  // namespace hearth::api
