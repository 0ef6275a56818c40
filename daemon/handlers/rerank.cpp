// POST /rerank, /v1/rerank.
#include "api/rerank.h"

#include <fmt/format.h>

#include "daemon/embed_service.h"
#include "daemon/handlers/answer.h"
#include "daemon/handlers/handlers.h"

namespace hearth::daemon::handlers {

Task<void> rerank(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  api::RerankRequest request = api::read_rerank(body);
  exchange.log().model = request.model;
  exchange.set_heartbeat(Heartbeat::json);
  const api::RerankReply reply = co_await services.embed.rerank(exchange, request);
  if (reply.truncated_count > 0) {
    request.warnings.push_back(
        fmt::format("{} of {} documents were longer than the model reads and lost their end",
                    reply.truncated_count, reply.scores.size()));
  }
  add_warnings(exchange, request.warnings);
  co_await send_json(exchange, api::write_rerank(request, reply, random_id("rerank-")));
}

}  // namespace hearth::daemon::handlers
