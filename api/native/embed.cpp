// POST /api/embed, /api/embeddings: texts in, vectors out.
#include <fmt/format.h>

#include "api/json.h"
#include "api/native.h"
#include "api/native/common_fields.h"
#include "base/error.h"

namespace hearth::api {
namespace {

// Options are checked as everywhere; none of them changes a vector.
EmbedRequest read_head(const Fields& fields) {
  EmbedRequest request;
  request.model = fields.text("model").value_or("");
  request.keep_alive = read_keep_alive(fields);
  if (const Json* options = fields.object("options"))
    request.warnings = modelfile::parse_options(*options).warnings;
  return request;
}

std::vector<EmbedInput> read_inputs(const Fields& fields) {
  std::vector<EmbedInput> inputs;
  const Json* value = fields.find("input");
  if (value == nullptr) return inputs;
  if (value->is_string()) {
    if (!value->get_ref<const std::string&>().empty()) inputs.push_back({*value, {}});
    return inputs;
  }
  if (!value->is_array()) fields.fail("input", "a string or an array of strings", *value);
  for (const Json& entry : *value) {
    if (!entry.is_string()) fields.fail("input", "a string or an array of strings", entry);
    inputs.push_back({entry, {}});
  }
  return inputs;
}

}  // namespace

EmbedRequest read_native_embed(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  EmbedRequest request = read_head(fields);
  request.inputs = read_inputs(fields);
  request.truncate = fields.boolean("truncate").value_or(true);
  request.dimensions = fields.integer("dimensions").value_or(0);
  if (request.dimensions < 0) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("dimensions: expected at least 0, found {}", request.dimensions));
  }
  note_unread(fields, request.warnings);
  return request;
}

EmbedRequest read_native_embeddings(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  EmbedRequest request = read_head(fields);
  if (request.model.empty()) throw Error(ErrorCode::invalid_argument, "model: missing");
  std::string prompt = fields.text("prompt").value_or("");
  if (!prompt.empty()) request.inputs.push_back({std::move(prompt), {}});
  request.normalize = false;
  note_unread(fields, request.warnings);
  return request;
}

std::string write_native_embed(const EmbedRequest& request, const EmbedReply& reply) {
  int64_t input_tokens = 0;
  for (const int64_t tokens : reply.input_tokens) input_tokens += tokens;
  Json value;
  value["model"] = request.model;
  value["embeddings"] = reply.vectors;
  if (reply.total_ns > 0) value["total_duration"] = reply.total_ns;
  if (reply.load_ns > 0) value["load_duration"] = reply.load_ns;
  if (input_tokens > 0) value["prompt_eval_count"] = input_tokens;
  return to_line(value);
}

std::string write_native_embeddings(const EmbedReply& reply) {
  Json value;
  value["embedding"] = reply.vectors.empty() ? Json::array() : Json(reply.vectors.front());
  return to_line(value);
}

}  // namespace hearth::api
