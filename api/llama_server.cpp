#include "api/llama_server.h"

#include "api/json.h"
#include "api/native/common_fields.h"
#include "base/error.h"
#include "base/utf8.h"

namespace hearth::api {
namespace {

// Text where it is some, else its bytes.
Json write_piece(const std::string& piece) {
  if (is_valid_utf8(piece)) return piece;
  Json bytes = Json::array();
  for (const char byte : piece) bytes.push_back(static_cast<unsigned char>(byte));
  return bytes;
}

}  // namespace

LlamaTokenizeRequest read_llama_tokenize(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  LlamaTokenizeRequest request;
  request.model = read_model_name(fields);
  const std::optional<std::string> content = fields.text("content");
  if (!content) throw Error(ErrorCode::invalid_argument, "content: missing");
  request.text = *content;
  request.reads_special = fields.boolean("parse_special").value_or(true);
  request.with_special = fields.boolean("add_special").value_or(false);
  request.with_pieces = fields.boolean("with_pieces").value_or(false);
  request.keep_alive = read_keep_alive(fields);
  note_unread(fields, request.warnings);
  return request;
}

std::string write_llama_tokens(const std::vector<int32_t>& tokens) {
  return to_line(Json{{"tokens", tokens}});
}

std::string write_llama_pieces(const std::vector<int32_t>& tokens,
                               const std::vector<std::string>& pieces) {
  Json list = Json::array();
  for (size_t i = 0; i < tokens.size(); ++i)
    list.push_back({{"id", tokens[i]}, {"piece", write_piece(pieces.at(i))}});
  return to_line(Json{{"tokens", std::move(list)}});
}

std::string write_llama_content(std::string_view text) {
  return to_line(Json{{"content", text}});
}

std::string write_llama_prompt(std::string_view prompt) {
  return to_line(Json{{"prompt", prompt}});
}

}  // namespace hearth::api
