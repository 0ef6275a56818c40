#include "api/openai/common_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "api/format.h"
#include "api/limits.h"
#include "api/native/common_fields.h"
#include "base/error.h"

namespace hearth::api {
namespace {

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

int64_t read_choice_count(const Fields& fields) {
  const int64_t count = fields.integer("n").value_or(1);
  if (count < 1 || count > choices_max) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("n: expected 1 to {}, found {}", choices_max, count));
  }
  if (fields.integer("best_of").value_or(count) != count) {
    throw Error(ErrorCode::unsupported,
                "best_of: answers are not ranked here; leave the field out, or send n and choose");
  }
  return count;
}

// {"<token id>": bias}
std::vector<TokenBias> read_logit_bias(const Fields& fields) {
  std::vector<TokenBias> result;
  const Json* biases = fields.object("logit_bias");
  if (biases == nullptr) return result;
  check_count("logit_bias", biases->size(), biased_tokens_max);
  for (const auto& [key, value] : biases->items()) {
    TokenBias entry;
    const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), entry.token);
    const bool is_id = failure == std::errc() && end == key.data() + key.size() && entry.token >= 0;
    if (!is_id || !value.is_number()) {
      throw Error(ErrorCode::invalid_argument,
                  "logit_bias: expected an object of token ids and numbers such as {\"50\": -100}");
    }
    const double bias = value.get<double>();
    if (!(bias >= -100 && bias <= 100)) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("logit_bias: expected -100 to 100 for token {}, found {}",
                              entry.token, bias));
    }
    entry.bias = static_cast<float>(bias);
    result.push_back(entry);
  }
  return result;
}

// Sampling options that llama.cpp's and vLLM's clients send beside OpenAI's.
void read_more_sampling(const Fields& fields, modelfile::Parameters& options) {
  if (const auto top_k = fields.integer("top_k")) options.top_k = *top_k;
  if (const auto min_p = read_float(fields, "min_p", 0, 1)) options.min_p = *min_p;
  if (const auto penalty = read_float(fields, "repeat_penalty", 0.01, 100))
    options.repeat_penalty = *penalty;
}

}  // namespace

void read_openai_common(const Fields& fields, ChatRequest& request) {
  request.model = fields.text("model").value_or("");
  if (request.model.empty()) throw Error(ErrorCode::invalid_argument, "model: missing");
  request.is_stream = fields.boolean("stream").value_or(false);
  if (const Json* value = fields.object("stream_options")) {
    const Fields stream_options(*value, "stream_options.");
    request.includes_usage = stream_options.boolean("include_usage").value_or(false);
    note_unread(stream_options, request.warnings);
  }
  read_sampling(fields, request.options);
  request.uses_openai_defaults = true;
  read_more_sampling(fields, request.options);
  check_stops(request.options);
  request.choice_count = read_choice_count(fields);
  request.logit_bias = read_logit_bias(fields);
  request.is_render_only = fields.boolean("_debug_render_only").value_or(false);
  request.keep_alive = read_keep_alive(fields);
  request.truncate = fields.boolean("truncate").value_or(false);
  request.format = read_response_format(fields);
}

std::string read_text_parts(const Fields& fields, std::string_view key, std::string_view what,
                            const std::vector<std::string_view>& kinds) {
  const Json* content = fields.find(key);
  if (content == nullptr) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) fields.fail(key, "a string or an array of parts", *content);
  std::string text;
  for (size_t i = 0; i < content->size(); ++i) {
    const std::string name = fmt::format("{}{}[{}].", what, key, i);
    const Fields part((*content)[i], name);
    const std::string type = part.text("type").value_or("");
    if (std::find(kinds.begin(), kinds.end(), type) == kinds.end()) {
      throw Error(ErrorCode::unsupported,
                  fmt::format("{}type: \"{}\" is not supported; send parts of type \"{}\"", name,
                              type, kinds.front()));
    }
    if (i > 0) text += "\n";
    text += part.text(type == "refusal" ? "refusal" : "text").value_or("");
  }
  return text;
}

std::optional<Think> think_of_effort(std::string_view effort) {
  if (effort.empty()) return std::nullopt;
  if (effort == "none") return Think{false, ""};
  constexpr std::array<std::array<std::string_view, 2>, 7> levels{{{"minimal", "low"},
                                                                   {"low", "low"},
                                                                   {"medium", "medium"},
                                                                   {"high", "high"},
                                                                   {"xhigh", "max"},
                                                                   {"ultra", "max"},
                                                                   {"max", "max"}}};
  for (const auto& [name, level] : levels) {
    if (effort == name) return Think{true, std::string(level)};
  }
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format("reasoning_effort: expected none, minimal, low, medium, high, xhigh or max, "
                  "found \"{}\"",
                  effort));
}

}  // namespace hearth::api
