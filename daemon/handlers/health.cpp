// GET /, /api/version, /api/status, /health, /livez, /readyz, /openapi.json: is somebody there, and
// who.
#include <fmt/format.h>

#include <filesystem>

#include "api/native.h"
#include "api/openapi.h"
#include "base/error.h"
#include "daemon/handlers/handlers.h"
#include "daemon/server/worker_pool.h"
#include "registry/model_store.h"

namespace hearth::daemon::handlers {
namespace {

void check_readable(const std::filesystem::path& folder) {
  std::error_code failure;
  const std::filesystem::directory_iterator entries(folder, failure);
  if (failure) {
    throw Error(ErrorCode::unavailable,
                fmt::format("the models folder cannot be read: {}", failure.message()));
  }
}

}  // namespace

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

// Who gets this far is alive; as llama.cpp's server says it.
Task<void> health(Services&, Exchange& exchange) {
  co_await send_json(exchange, api::write_health("ok"));
}

// The daemon is ready when its store can be read; models are loaded when they are asked for.
Task<void> ready(Services& services, Exchange& exchange) {
  std::function<void()> job = [&services] { check_readable(services.store.root()); };
  co_await services.workers.run(std::move(job));
  co_await send_json(exchange, api::write_health("ok"));
}

Task<void> openapi(Services&, Exchange& exchange) {
  co_await send_json(exchange, std::string(api::openapi_document()));
}

}  // namespace hearth::daemon::handlers
