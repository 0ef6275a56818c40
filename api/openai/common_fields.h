// Fields that requests of the OpenAI dialect share. Private to api.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/json.h"
#include "api/types.h"

namespace hearth::api {

// model, stream, stream_options, sampling, stop, n, logit_bias, response_format; beside OpenAI's
// fields keep_alive and _debug_render_only. Throws Error{invalid_argument} for values out of range,
// Error{unsupported} for what this version cannot do.
void read_openai_common(const Fields& fields, ChatRequest& request);
// Text of a content that is a string or a list of parts; parts are joined by line breaks. `kinds`:
// the types of parts that hold text. Throws Error{unsupported} for other parts.
std::string read_text_parts(const Fields& fields, std::string_view key, std::string_view what,
                            const std::vector<std::string_view>& kinds);
// OpenAI's efforts and their names here; "none" turns thoughts off. Throws Error{invalid_argument}.
std::optional<Think> think_of_effort(std::string_view effort);

}  // namespace hearth::api
