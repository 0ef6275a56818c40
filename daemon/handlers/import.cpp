// POST /api/import: models that lie elsewhere on this computer.
#include "api/native.h"
#include "daemon/handlers/handlers.h"
#include "daemon/handlers/progress_stream.h"
#include "daemon/model_importer.h"

namespace hearth::daemon::handlers {

Task<void> import_place(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ImportRequest request = api::read_native_import(body);
  add_warnings(exchange, request.warnings);
  exchange.log().model = request.model;
  const std::function<void(const ProgressSink&)> job = [&services,
                                                        request](const ProgressSink& sink) {
    import_models(services.store, services.config, request, sink);
  };
  co_await stream_progress(services, exchange, request.is_stream, job);
}

}  // namespace hearth::daemon::handlers
