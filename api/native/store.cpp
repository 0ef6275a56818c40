// POST /api/pull, push, gc, verify, import.
#include "api/json.h"
#include "api/native.h"
#include "api/native/common_fields.h"
#include "base/error.h"

namespace hearth::api {

TransferRequest read_native_transfer(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  TransferRequest request;
  request.model = read_model_name(fields);
  request.is_insecure = fields.boolean("insecure").value_or(false);
  request.user = fields.text("username").value_or("");
  request.password = fields.text("password").value_or("");
  request.is_stream = fields.boolean("stream").value_or(true);
  return request;
}

GcRequest read_native_gc(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  GcRequest request;
  request.is_dry_run = fields.boolean("dry_run").value_or(false);
  request.takes_downloads = fields.boolean("downloads").value_or(false);
  request.is_stream = fields.boolean("stream").value_or(true);
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
  return request;
}

}  // namespace hearth::api
