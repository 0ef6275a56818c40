// Errors on the wire. The only place where an ErrorCode becomes an HTTP status and where the shape
// of an error body is decided, per dialect.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace hearth::api {

enum class Dialect {
  native,     // /api/*: {"error": "text"}
  openai,     // /v1/*:  {"error": {"message", "type", "param", "code"}}
  anthropic,  // /v1/messages: {"type": "error", "error": {"type", "message"}, "request_id"}
};

// 400, 401, 403, 404, 409, 499, 500 or 503.
int http_status(ErrorCode code);

// One line of JSON without a line break. `status` chooses the type. `request_id` stands in
// Anthropic's bodies; empty: it is left out.
std::string error_body(Dialect dialect, int status, std::string_view message,
                       std::string_view request_id = "");

// The same as one frame of a stream that has begun: an NDJSON line, or an SSE event.
std::string error_frame(Dialect dialect, int status, std::string_view message);

}  // namespace hearth::api
