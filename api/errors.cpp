#include "api/errors.h"

#include "api/json.h"

namespace hearth::api {
namespace {

std::string_view openai_type(int status) {
  switch (status) {
    case 400:
      return "invalid_request_error";
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

std::string_view anthropic_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

}  // namespace

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
      return 400;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::already_exists:
      return 409;
    case ErrorCode::unauthorized:
      return 401;
    case ErrorCode::forbidden:
      return 403;
    case ErrorCode::unavailable:
      return 503;
    case ErrorCode::cancelled:
      return 499;
    case ErrorCode::corrupt_data:
    case ErrorCode::out_of_memory:
    case ErrorCode::internal:
      return 500;
  }
  return 500;
}

std::string error_body(Dialect dialect, int status, std::string_view message,
                       std::string_view request_id) {
  if (dialect == Dialect::native) return to_line(Json{{"error", message}});
  Json error;
  if (dialect == Dialect::anthropic) {
    error["type"] = anthropic_type(status);
    error["message"] = message;
    Json body{{"type", "error"}, {"error", error}};
    if (!request_id.empty()) body["request_id"] = request_id;
    return to_line(body);
  }
  error["message"] = message;
  error["type"] = openai_type(status);
  error["param"] = nullptr;
  error["code"] = nullptr;
  return to_line(Json{{"error", error}});
}

std::string error_frame(Dialect dialect, int status, std::string_view message) {
  const std::string body = error_body(dialect, status, message);
  switch (dialect) {
    case Dialect::native:
      return body + "\n";
    case Dialect::openai:
      return "data: " + body + "\n\n";
    case Dialect::anthropic:
      return "event: error\ndata: " + body + "\n\n";
  }
  return body;
}

}  // namespace hearth::api
