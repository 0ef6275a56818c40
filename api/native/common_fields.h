// Fields that /api/generate and /api/chat share. Private to api.
#pragma once

#include <optional>

#include "api/json.h"
#include "api/types.h"

namespace hearth::api {

// model, options, stream, keep_alive, truncate, shift, logprobs, think, format.
void read_common_fields(const Fields& fields, ChatRequest& request);

// `logprobs` and `top_logprobs`: see ChatRequest::top_log_probs.
std::optional<int32_t> read_top_log_probs(const Fields& fields);
// `model`, or its older name `name`. Throws Error{invalid_argument} when both are empty.
std::string read_model_name(const Fields& fields);
// Absent: empty. Throws Error{invalid_argument} for what cannot be a token id.
std::vector<int32_t> read_tokens(const Fields& fields, std::string_view key);
// A number of seconds or a Go duration; negative is `forever`. Throws Error{invalid_argument}.
std::optional<Duration> read_keep_alive(const Fields& fields);

// Throws Error{unsupported} "<field>: <reason>" when the field holds something other than null,
// false, "", [] and {}.
void refuse_unless_empty(const Fields& fields, std::string_view key, std::string_view reason);

}  // namespace hearth::api
