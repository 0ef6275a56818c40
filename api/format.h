// What an answer must look like, as the dialects say it. Whether a schema or grammar can be
// enforced is not known here. Private to api.
#pragma once

#include <optional>

#include "api/json.h"
#include "api/types.h"

namespace hearth::api {

// The native `format`: "json" or a JSON schema; null and "" are none. Beside it hearth's own
// fields, which every dialect reads: `grammar` (GBNF, as llama.cpp's clients send it), `regex`, and
// `format_best_effort`. Throws Error{invalid_argument} "invalid format: ..." for anything else and
// for two of them at once.
std::optional<Format> read_native_format(const Fields& fields);

// OpenAI's `response_format` (text, json_object, json_schema; llama.cpp's "schema" beside
// json_object too), with hearth's own fields. A schema with "strict": false is best effort.
std::optional<Format> read_response_format(const Fields& fields);

// {"type": "json_schema", "schema", "strict"} or {"type": "json_object"} or {"type": "text"}, as
// Responses and Anthropic have it; `what` names it in messages. Fields of it that have no effect
// are named in `warnings`.
std::optional<Format> read_format_object(const Json& format, std::string_view what,
                                         std::vector<std::string>& warnings);

}  // namespace hearth::api
