// POST /api/embed, /api/embeddings, /v1/embeddings: translate, ask the embed service, write the
// vectors.
#include <fmt/format.h>

#include "api/native.h"
#include "api/openai.h"
#include "daemon/embed_service.h"
#include "daemon/handlers/handlers.h"

namespace hearth::daemon::handlers {
namespace {

Task<api::EmbedReply> vectors_of(Services& services, Exchange& exchange,
                                 const api::EmbedRequest& request) {
  exchange.log().model = request.model;
  exchange.set_heartbeat(Heartbeat::json);
  api::EmbedReply reply = co_await services.embed.embed(exchange, request);
  std::vector<std::string> warnings = request.warnings;
  if (reply.truncated_count > 0) {
    warnings.push_back(
        fmt::format("{} of {} inputs were longer than the model reads and lost their end",
                    reply.truncated_count, reply.vectors.size()));
  }
  add_warnings(exchange, warnings);
  co_return reply;
}

}  // namespace

Task<void> embed(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::EmbedRequest request = api::read_native_embed(body);
  const api::EmbedReply reply = co_await vectors_of(services, exchange, request);
  co_await send_json(exchange, api::write_native_embed(request, reply));
}

Task<void> embeddings(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::EmbedRequest request = api::read_native_embeddings(body);
  const api::EmbedReply reply = co_await vectors_of(services, exchange, request);
  co_await send_json(exchange, api::write_native_embeddings(reply));
}

Task<void> openai_embeddings(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::OpenAiEmbedRequest request = api::read_openai_embeddings(body);
  const api::EmbedReply reply = co_await vectors_of(services, exchange, request);
  co_await send_json(exchange, api::write_openai_embeddings(request, reply));
}

}  // namespace hearth::daemon::handlers
