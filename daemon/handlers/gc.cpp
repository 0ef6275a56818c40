// POST /api/gc: what belongs to no model goes.
#include "api/native.h"
#include "daemon/handlers/handlers.h"
#include "daemon/handlers/progress_stream.h"
#include "daemon/store_service.h"

namespace hearth::daemon::handlers {

Task<void> gc(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::GcRequest request = api::read_native_gc(body);
  add_warnings(exchange, request.warnings);
  const std::function<void(const ProgressSink&)> job = [&services,
                                                        request](const ProgressSink& sink) {
    collect_garbage(services.store, request, sink);
  };
  co_await stream_progress(services, exchange, request.is_stream, job);
}

}  // namespace hearth::daemon::handlers
