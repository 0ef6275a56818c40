// Fields that /api/generate and /api/chat share. Private to api.
#pragma once

#include <optional>

#include "api/json.h"
#include "api/types.h"

namespace hearth::api {

// model, options, stream, keep_alive, truncate; refuses what this version cannot do (format,
// logprobs, think).
void read_common_fields(const Fields& fields, ChatRequest& request);

// A number of seconds or a Go duration; negative is `forever`. Throws Error{invalid_argument}.
std::optional<Duration> read_keep_alive(const Fields& fields);

// Throws Error{unsupported} "<field>: <reason>" when the field holds something other than null,
// false, "", [] and {}.
void refuse_unless_empty(const Fields& fields, std::string_view key, std::string_view reason);

}  // namespace hearth::api
