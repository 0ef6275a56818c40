#include "api/openai/common_fields.h"

#include <fmt/format.h>

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

void check_choices(const Fields& fields) {
  for (const std::string_view key : {"n", "best_of"}) {
    const int64_t choices = fields.integer(key).value_or(1);
    if (choices == 1) continue;
    throw Error(
        ErrorCode::unsupported,
        fmt::format("{}: only 1 answer per request is supported yet, found {}; send the request "
                    "again for another",
                    key, choices));
  }
}

}  // namespace

void read_openai_common(const Fields& fields, ChatRequest& request) {
  request.model = fields.text("model").value_or("");
  if (request.model.empty()) throw Error(ErrorCode::invalid_argument, "model: missing");
  request.is_stream = fields.boolean("stream").value_or(false);
  if (const Json* stream_options = fields.object("stream_options")) {
    request.includes_usage =
        Fields(*stream_options, "stream_options.").boolean("include_usage").value_or(false);
  }
  read_sampling(fields, request.options);
  request.uses_openai_defaults = true;
  check_choices(fields);
  refuse_unless_empty(fields, "logit_bias",
                      "biasing tokens is not supported yet; leave the field out");
}

void note_ignored_fields(const Fields& fields, std::initializer_list<std::string_view> keys,
                         std::vector<std::string>& warnings) {
  for (const std::string_view key : keys) {
    if (fields.find(key) != nullptr) warnings.push_back(fmt::format("{} has no effect", key));
  }
}

}  // namespace hearth::api
