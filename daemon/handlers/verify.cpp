// POST /api/verify: every byte is read again.
#include "api/native.h"
#include "daemon/handlers/handlers.h"
#include "daemon/handlers/progress_stream.h"
#include "daemon/store_service.h"
#include "daemon/transfer_service.h"

namespace hearth::daemon::handlers {

Task<void> verify(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::VerifyRequest request = api::read_native_verify(body);
  add_warnings(exchange, request.warnings);
  exchange.log().model = request.model;
  const std::function<void(const ProgressSink&)> job = [&services,
                                                        request](const ProgressSink& sink) {
    const PullBlob pull = [&](const registry::ModelName& name, const registry::Layer& blob,
                              const CreateProgress& progress) {
      services.transfers.pull_blob(name, blob, {.is_insecure = request.is_insecure}, progress);
    };
    verify_store(services.store, request, pull, sink);
  };
  co_await stream_progress(services, exchange, request.is_stream, job);
}

}  // namespace hearth::daemon::handlers
