// POST /api/pull, push, gc, verify, import.
#include "api/json.h"
#include "api/native.h"
#include "api/native/common_fields.h"
#include "api/settings.h"
#include "base/error.h"

namespace hearth::api {

namespace {

// 2000000, "2M", "500K"; bytes per second. Ours: Ollama has no such field.
uint64_t read_limit_rate(const Fields& fields) {
  constexpr std::string_view key = "limit_rate";
  const Json* value = fields.find(key);
  if (value == nullptr) return 0;
  constexpr std::string_view expected = "bytes per second, as 2000000 or \"2M\"";
  if (value->is_string()) {
    try {
      return static_cast<uint64_t>(parse_bytes(value->get<std::string>()));
    } catch (const Error&) {  // says which field
      fields.fail(key, expected, *value);
    }
  }
  const std::optional<int64_t> number = fields.integer(key);
  if (*number < 0) fields.fail(key, expected, *value);
  return static_cast<uint64_t>(*number);
}

}  // namespace

TransferRequest read_native_transfer(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  TransferRequest request;
  request.model = read_model_name(fields);
  request.is_insecure = fields.boolean("insecure").value_or(false);
  request.user = fields.text("username").value_or("");
  request.password = fields.text("password").value_or("");
  request.bytes_per_second = read_limit_rate(fields);
  request.is_stream = fields.boolean("stream").value_or(true);
  note_unread(fields, request.warnings);
  return request;
}

GcRequest read_native_gc(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  GcRequest request;
  request.is_dry_run = fields.boolean("dry_run").value_or(false);
  request.takes_downloads = fields.boolean("downloads").value_or(false);
  request.is_stream = fields.boolean("stream").value_or(true);
  note_unread(fields, request.warnings);
  return request;
}

VerifyRequest read_native_verify(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  VerifyRequest request;
  request.model = fields.text("model").value_or("");
  request.repairs = fields.boolean("repair").value_or(false);
  request.is_insecure = fields.boolean("insecure").value_or(false);
  request.is_stream = fields.boolean("stream").value_or(true);
  note_unread(fields, request.warnings);
  return request;
}

ImportRequest read_native_import(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  ImportRequest request;
  request.path = fields.text("path").value_or("");
  if (request.path.empty()) throw Error(ErrorCode::invalid_argument, "path: missing");
  request.model = fields.text("model").value_or("");
  request.is_stream = fields.boolean("stream").value_or(true);
  note_unread(fields, request.warnings);
  return request;
}

}  // namespace hearth::api
