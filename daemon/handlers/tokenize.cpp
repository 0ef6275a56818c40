// POST /api/tokenize, /api/detokenize.
#include "api/native.h"
#include "daemon/handlers/handlers.h"
#include "daemon/tokenize_service.h"

namespace hearth::daemon::handlers {

Task<void> tokenize(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::TokenizeRequest request = api::read_native_tokenize(body);
  exchange.log().model = request.model;
  const std::vector<int32_t> tokens = co_await services.tokenize.tokenize(exchange, request);
  co_await send_json(exchange, api::write_native_tokenize(request.model, tokens));
}

Task<void> detokenize(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::DetokenizeRequest request = api::read_native_detokenize(body);
  exchange.log().model = request.model;
  const std::string text = co_await services.tokenize.detokenize(exchange, request);
  co_await send_json(exchange, api::write_native_detokenize(request.model, text));
}

}  // namespace hearth::daemon::handlers
