// POST /api/tokenize, /api/detokenize, and /tokenize, /detokenize in the shape of llama.cpp.
#include "api/llama_server.h"
#include "api/native.h"
#include "daemon/handlers/handlers.h"
#include "daemon/tokenize_service.h"

namespace hearth::daemon::handlers {

Task<void> tokenize(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::TokenizeRequest request = api::read_native_tokenize(body);
  exchange.log().model = request.model;
  add_warnings(exchange, request.warnings);
  const std::vector<int32_t> tokens = co_await services.tokenize.tokenize(exchange, request);
  co_await send_json(exchange, api::write_native_tokenize(request.model, tokens));
}

Task<void> detokenize(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::DetokenizeRequest request = api::read_native_detokenize(body);
  exchange.log().model = request.model;
  add_warnings(exchange, request.warnings);
  const std::string text = co_await services.tokenize.detokenize(exchange, request);
  co_await send_json(exchange, api::write_native_detokenize(request.model, text));
}

Task<void> llama_tokenize(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::LlamaTokenizeRequest request = api::read_llama_tokenize(body);
  exchange.log().model = request.model;
  add_warnings(exchange, request.warnings);
  const std::vector<int32_t> tokens = co_await services.tokenize.tokenize(exchange, request);
  if (!request.with_pieces) {
    co_await send_json(exchange, api::write_llama_tokens(tokens));
    co_return;
  }
  const std::vector<std::string> pieces =
      co_await services.tokenize.pieces(exchange, request.model, tokens);
  co_await send_json(exchange, api::write_llama_pieces(tokens, pieces));
}

Task<void> llama_detokenize(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::DetokenizeRequest request = api::read_native_detokenize(body);
  exchange.log().model = request.model;
  add_warnings(exchange, request.warnings);
  const std::string text = co_await services.tokenize.detokenize(exchange, request);
  co_await send_json(exchange, api::write_llama_content(text));
}

}  // namespace hearth::daemon::handlers
