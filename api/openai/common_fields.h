// Fields that requests of the OpenAI dialect share. Private to api.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "api/json.h"
#include "api/types.h"

namespace hearth::api {

// model, stream, stream_options, sampling, n and logit_bias. Throws Error{invalid_argument} for
// values out of range, Error{unsupported} for what this version cannot do.
void read_openai_common(const Fields& fields, ChatRequest& request);
// A warning for each of these that was sent.
void note_ignored_fields(const Fields& fields, std::initializer_list<std::string_view> keys,
                         std::vector<std::string>& warnings);

}  // namespace hearth::api
