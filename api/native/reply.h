// What the replies of /api/generate and /api/chat share. Private to api.
#pragma once

#include <string>

#include "api/types.h"

namespace hearth::api {

// {"model", "created_at"}
Json reply_head(const std::string& model, WallTime now);
// "logprobs", where the event has some.
void add_log_probs(Json& line, const ChatEvent& event);
// "done", and on a final event "done_reason", "context" and the metrics that are not zero.
void add_reply_end(Json& line, const ChatEvent& event);

}  // namespace hearth::api
