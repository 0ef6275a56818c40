// What models there are: /api/tags.
#include "api/native.h"
#include "daemon/handlers/handlers.h"
#include "daemon/model_library.h"
#include "daemon/server/worker_pool.h"

namespace hearth::daemon::handlers {

Task<void> tags(Services& services, Exchange& exchange) {
  const auto list = co_await services.workers.compute<std::vector<api::ModelSummary>>(
      [&services] { return services.library.list(); });
  co_await send_json(exchange, api::write_native_tags(list));
}

}  // namespace hearth::daemon::handlers
