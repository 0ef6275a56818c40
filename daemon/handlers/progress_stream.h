// A job on the pool for long work whose progress is streamed to the client: create, pull, push,
// verify and the like.
#pragma once

#include <functional>

#include "api/types.h"
#include "daemon/server/exchange.h"
#include "daemon/services.h"

namespace hearth::daemon::handlers {

using ProgressSink = std::function<void(const api::ProgressEvent&)>;

// Runs `job` and streams what it reports, one line each, the same line never twice in a row;
// without `is_stream` only the last event is sent, at the end. A client that goes away makes the
// sink throw Error{cancelled} at the next report. What the job throws before its first report
// becomes the status of the answer.
Task<void> stream_progress(Services& services, Exchange& exchange, bool is_stream,
                           std::function<void(const ProgressSink&)> job);

}  // namespace hearth::daemon::handlers
