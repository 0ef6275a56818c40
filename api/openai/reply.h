// What the replies of the OpenAI dialect share. Private to api.
#pragma once

#include <string>
#include <string_view>

#include "api/types.h"

namespace hearth::api {

// {"id", "object", "created", "model", "system_fingerprint"}
Json openai_head(std::string id, std::string_view object, WallTime created,
                 const std::string& model);
Json openai_usage(const Metrics& metrics);
std::string_view openai_finish_reason(DoneReason reason);
// One server-sent event.
std::string openai_frame(std::string_view data);

}  // namespace hearth::api
