#include "api/native/common_fields.h"

#include <fmt/format.h>

#include "api/format.h"
#include "api/limits.h"
#include "base/error.h"

namespace hearth::api {
namespace {

bool is_empty(const Json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_string() || value.is_structured()) return value.empty() || value == "";
  return value.is_number() && value.get<double>() == 0;
}

// true, false or a level.
std::optional<Think> read_think(const Fields& fields) {
  const Json* think = fields.find("think");
  if (think == nullptr) return std::nullopt;
  if (think->is_boolean()) return Think{think->get<bool>(), ""};
  for (const std::string_view level : {"low", "medium", "high", "max"}) {
    if (*think == level) return Think{true, std::string(level)};
  }
  throw Error(ErrorCode::invalid_argument,
              fmt::format("invalid think value: {}; expected true, false, \"low\", \"medium\", "
                          "\"high\" or \"max\"",
                          to_line(*think)));
}

}  // namespace

void refuse_unless_empty(const Fields& fields, std::string_view key, std::string_view reason) {
  const Json* value = fields.find(key);
  if (value == nullptr || is_empty(*value)) return;
  throw Error(ErrorCode::unsupported, fmt::format("{}: {}", key, reason));
}

std::optional<int32_t> read_top_log_probs(const Fields& fields) {
  const int64_t top = fields.integer("top_logprobs").value_or(0);
  if (top < 0 || top > 20) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("top_logprobs: expected 0 to 20, found {}", top));
  }
  if (!fields.boolean("logprobs").value_or(false)) return std::nullopt;
  return static_cast<int32_t>(top);
}

std::string read_model_name(const Fields& fields) {
  const std::string model = fields.text("model").value_or("");
  const std::string name = model.empty() ? fields.text("name").value_or("") : model;
  if (name.empty()) throw Error(ErrorCode::invalid_argument, "model: missing");
  return name;
}

std::vector<int32_t> read_tokens(const Fields& fields, std::string_view key) {
  std::vector<int32_t> tokens;
  const Json* values = fields.array(key);
  if (values == nullptr) return tokens;
  tokens.reserve(values->size());
  for (const Json& value : *values) {
    if (!value.is_number_integer()) fields.fail(key, "an array of token ids", value);
    const int64_t token = value.get<int64_t>();
    if (token < 0 || token > INT32_MAX) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{}: token id {} is out of range", key, token));
    }
    tokens.push_back(static_cast<int32_t>(token));
  }
  return tokens;
}

std::optional<Duration> read_keep_alive(const Fields& fields) {
  const Json* value = fields.find("keep_alive");
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) return negative_is_forever(from_seconds(value->get<double>()));
  if (!value->is_string())
    fields.fail("keep_alive", "seconds or a duration such as \"5m\"", *value);
  const std::string text = value->get<std::string>();
  const std::optional<Duration> parsed = parse_go_duration(text);
  if (!parsed) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("keep_alive: expected seconds as a number or a duration with a unit "
                            "such as \"5m\", found "
                            "{}",
                            to_line(*value)));
  }
  return negative_is_forever(*parsed);
}

void read_common_fields(const Fields& fields, ChatRequest& request) {
  request.model = fields.text("model").value_or("");
  request.is_stream = fields.boolean("stream").value_or(true);
  request.keep_alive = read_keep_alive(fields);
  request.truncate = fields.boolean("truncate").value_or(false);
  request.shifts = fields.boolean("shift").value_or(false);
  request.top_log_probs = read_top_log_probs(fields);
  request.is_render_only = fields.boolean("_debug_render_only").value_or(false);
  if (const Json* options = fields.object("options")) {
    modelfile::ParsedParameters parsed = modelfile::parse_options(*options);
    request.options = std::move(parsed.values);
    request.warnings = std::move(parsed.warnings);
  }
  check_stops(request.options);
  request.format = read_native_format(fields);
  request.think = read_think(fields);
  request.thoughts_tokens_max = read_thinking_budget(fields, "thinking_budget_tokens", -1);
}

}  // namespace hearth::api
