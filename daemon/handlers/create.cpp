// POST /api/create. A model that the new one is made from is pulled when it is not there.
#include "api/native.h"
#include "daemon/handlers/handlers.h"
#include "daemon/handlers/progress_stream.h"
#include "daemon/model_creator.h"
#include "daemon/transfer_service.h"

namespace hearth::daemon::handlers {

Task<void> create(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::CreateRequest request = api::read_native_create(body);
  exchange.log().model = request.model;
  add_warnings(exchange, request.warnings);
  registry::ModelName::parse(request.model);  // a name that cannot be is no reason to pull anything
  const std::function<void(const ProgressSink&)> job = [&services,
                                                        request](const ProgressSink& sink) {
    if (request.from)
      services.transfers.pull_if_missing(*request.from, {.is_insecure = request.is_insecure}, sink);
    create_model(services.store, services.config, request, sink);
  };
  co_await stream_progress(services, exchange, request.is_stream, job);
}

}  // namespace hearth::daemon::handlers
