// POST /api/tokenize, /api/detokenize: what a model's tokenizer makes of a text, without an answer.
#include <fmt/format.h>

#include "api/json.h"
#include "api/native.h"
#include "api/native/common_fields.h"
#include "base/error.h"

namespace hearth::api {

TokenizeRequest read_native_tokenize(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  TokenizeRequest request;
  request.model = read_model_name(fields);
  // `content` is what llama-server's clients send.
  std::optional<std::string> text = fields.text("text");
  if (!text) text = fields.text("content");
  if (!text) throw Error(ErrorCode::invalid_argument, "text: missing");
  request.text = std::move(*text);
  request.with_special = fields.boolean("special").value_or(false);
  request.reads_special = request.with_special;
  request.keep_alive = read_keep_alive(fields);
  note_unread(fields, request.warnings);
  return request;
}

DetokenizeRequest read_native_detokenize(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  DetokenizeRequest request;
  request.model = read_model_name(fields);
  if (fields.array("tokens") == nullptr)
    throw Error(ErrorCode::invalid_argument, "tokens: missing");
  request.tokens = read_tokens(fields, "tokens");
  request.keep_alive = read_keep_alive(fields);
  note_unread(fields, request.warnings);
  return request;
}

std::string write_native_tokenize(const std::string& model, const std::vector<int32_t>& tokens) {
  Json value;
  value["model"] = model;
  value["tokens"] = tokens;
  value["count"] = tokens.size();
  return to_line(value);
}

std::string write_native_detokenize(const std::string& model, std::string_view text) {
  Json value;
  value["model"] = model;
  value["content"] = text;
  return to_line(value);
}

}  // namespace hearth::api
