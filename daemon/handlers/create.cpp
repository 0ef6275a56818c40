// POST /api/create.
#include "api/native.h"
#include "daemon/handlers/handlers.h"
#include "daemon/handlers/progress_stream.h"
#include "daemon/model_creator.h"

namespace hearth::daemon::handlers {

Task<void> create(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::CreateRequest request = api::read_native_create(body);
  exchange.log().model = request.model;
  const std::function<void(const ProgressSink&)> job = [&services,
                                                        request](const ProgressSink& sink) {
    create_model(services.store, services.config, request, sink);
  };
  co_await stream_progress(services, exchange, request.is_stream, job);
}

}  // namespace hearth::daemon::handlers
