// From neutral requests to a written answer, the same for all dialects. Private to the handlers.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "api/reply_writer.h"
#include "daemon/server/exchange.h"
#include "daemon/services.h"

namespace hearth::daemon::handlers {

// Shared: when an answer fails after its stream has begun, its last frame is written when the
// handler is gone.
using WriterPointer = std::shared_ptr<api::ReplyWriter>;

// Starts, and streams or collects; a request that only loads, unloads or renders is answered too.
// At least one request, as ChatService::start. Requests and writer must outlive the task.
Task<void> answer_chat(Services& services, Exchange& exchange,
                       std::span<const api::ChatRequest> requests, const WriterPointer& writer);

// "<kind><24 hexadecimal digits>"
std::string random_id(std::string_view kind);

}  // namespace hearth::daemon::handlers
