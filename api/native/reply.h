// What the replies of /api/generate and /api/chat share. Private to api.
#pragma once

#include <string>

#include "api/reply_writer.h"

namespace hearth::api {

// {"model", "created_at"}
Json reply_head(const std::string& model, WallTime now);
// The one answer of a request of this dialect, as if it had come in one piece.
ChatEvent only_choice(const WholeAnswer& answer);
// "logprobs", where the event has some.
void add_log_probs(Json& line, const ChatEvent& event);
// "done", and on a final event "done_reason", "context" and the metrics that are not zero.
void add_reply_end(Json& line, const ChatEvent& event);

}  // namespace hearth::api
