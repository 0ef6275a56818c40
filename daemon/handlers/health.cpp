// GET /, /api/version, /api/status: is somebody there, and who.
#include "api/native.h"
#include "daemon/handlers/handlers.h"

namespace hearth::daemon::handlers {

// Clients probe for exactly this text.
Task<void> root(Services&, Exchange& exchange) {
  Reply reply{200, "text/plain; charset=utf-8", "Ollama is running"};
  co_await exchange.send(std::move(reply));
}

Task<void> version(Services&, Exchange& exchange) {
  co_await send_json(exchange, api::write_native_version());
}

// Clients of Ollama ask whether its cloud is on; there is none here.
Task<void> status(Services&, Exchange& exchange) {
  co_await send_json(exchange, api::write_native_status());
}

}  // namespace hearth::daemon::handlers
