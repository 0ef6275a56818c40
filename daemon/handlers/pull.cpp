// POST /api/pull. A client that goes away stops it; what has arrived stays for the next one.
#include "api/native.h"
#include "daemon/handlers/handlers.h"
#include "daemon/handlers/progress_stream.h"
#include "daemon/transfer_service.h"

namespace hearth::daemon::handlers {

Task<void> pull(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::TransferRequest request = api::read_native_transfer(body);
  const registry::ModelName name = registry::ModelName::parse(request.model);
  exchange.log().model = request.model;
  const std::function<void(const ProgressSink&)> job = [&services, name,
                                                        request](const ProgressSink& sink) {
    const registry::RegistryCredentials credentials{
        .user = request.user, .password = request.password, .bearer = ""};
    services.transfers.pull(name, {.is_insecure = request.is_insecure, .credentials = credentials},
                            sink);
  };
  co_await stream_progress(services, exchange, request.is_stream, job);
}

}  // namespace hearth::daemon::handlers
