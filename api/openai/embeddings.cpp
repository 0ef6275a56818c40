// POST /v1/embeddings: texts or token lists in, vectors out.
#include <fmt/format.h>

#include <bit>
#include <span>

#include "api/json.h"
#include "api/native/common_fields.h"
#include "api/openai.h"
#include "base/base64.h"
#include "base/error.h"

namespace hearth::api {
namespace {

constexpr std::string_view input_kinds =
    "a string, an array of strings, an array of token ids or an array of such arrays";

EmbedInput read_input(const Fields& fields, const Json& value) {
  if (value.is_string()) return {value.get<std::string>(), {}};
  if (!value.is_array()) fields.fail("input", input_kinds, value);
  const Json wrapped{{"input", value}};
  EmbedInput input{"", read_tokens(Fields(wrapped), "input")};
  if (input.tokens.empty()) throw Error(ErrorCode::invalid_argument, "input: an array is empty");
  return input;
}

std::vector<EmbedInput> read_inputs(const Fields& fields) {
  const Json* value = fields.find("input");
  if (value == nullptr || (value->is_array() && value->empty()))
    throw Error(ErrorCode::invalid_argument, "input: missing");
  const bool is_one = !value->is_array() || value->front().is_number();
  if (is_one) return {read_input(fields, *value)};
  std::vector<EmbedInput> inputs;
  for (const Json& entry : *value) inputs.push_back(read_input(fields, entry));
  return inputs;
}

bool read_is_base64(const Fields& fields) {
  const std::string format = fields.text("encoding_format").value_or("float");
  if (format == "base64") return true;
  if (format == "float") return false;
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format("encoding_format: expected \"float\" or \"base64\", found \"{}\"", format));
}

Json write_vector(const std::vector<float>& vector, bool is_base64) {
  if (!is_base64) return vector;
  static_assert(std::endian::native == std::endian::little);
  return encode_base64(std::as_bytes(std::span(vector)));
}

}  // namespace

OpenAiEmbedRequest read_openai_embeddings(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  OpenAiEmbedRequest request;
  request.model = fields.text("model").value_or("");
  if (request.model.empty()) throw Error(ErrorCode::invalid_argument, "model: missing");
  request.inputs = read_inputs(fields);
  request.dimensions = fields.integer("dimensions").value_or(0);
  if (request.dimensions < 0) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("dimensions: expected at least 1, found {}", request.dimensions));
  }
  request.is_base64 = read_is_base64(fields);
  note_unread(fields, request.warnings);
  return request;
}

std::string write_openai_embeddings(const OpenAiEmbedRequest& request, const EmbedReply& reply) {
  int64_t input_tokens = 0;
  Json data = Json::array();
  for (size_t i = 0; i < reply.vectors.size(); ++i) {
    input_tokens += reply.input_tokens[i];
    data.push_back({{"object", "embedding"},
                    {"embedding", write_vector(reply.vectors[i], request.is_base64)},
                    {"index", i}});
  }
  Json value;
  value["object"] = "list";
  value["data"] = std::move(data);
  value["model"] = request.model;
  value["usage"] = {{"prompt_tokens", input_tokens}, {"total_tokens", input_tokens}};
  return to_line(value);
}

}  // namespace hearth::api
