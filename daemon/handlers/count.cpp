// How many tokens a prompt has, without an answer: /v1/messages/count_tokens,
// /v1/chat/completions/count, /v1/responses/input_tokens, and the prompt itself: /apply-template.
#include "api/anthropic.h"
#include "api/llama_server.h"
#include "api/openai.h"
#include "api/openai_responses.h"
#include "daemon/chat_service.h"
#include "daemon/handlers/handlers.h"
#include "daemon/handlers/responses.h"

namespace hearth::daemon::handlers {
namespace {

Task<int64_t> count(Services& services, Exchange& exchange, const api::ChatRequest& request) {
  exchange.log().model = request.model;
  exchange.set_heartbeat(Heartbeat::json);
  const std::vector<int32_t> tokens = co_await services.chat.tokens(exchange, request);
  exchange.log().prompt_tokens = std::ssize(tokens);
  co_return std::ssize(tokens);
}

}  // namespace

Task<void> anthropic_count(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ChatRequest request = api::read_anthropic_count(body);
  add_warnings(exchange, request.warnings);
  const int64_t tokens = co_await count(services, exchange, request);
  co_await send_json(exchange, api::write_anthropic_count(tokens));
}

Task<void> openai_chat_count(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ChatRequest request = api::read_openai_chat(body);
  add_warnings(exchange, request.warnings);
  const int64_t tokens = co_await count(services, exchange, request);
  co_await send_json(exchange, api::write_openai_chat_count(tokens));
}

Task<void> openai_input_tokens(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ResponsesRequest request = read_conversation(services, body);
  add_warnings(exchange, request.chat.warnings);
  const int64_t tokens = co_await count(services, exchange, request.chat);
  co_await send_json(exchange, api::write_openai_input_tokens(tokens));
}

Task<void> apply_template(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ChatRequest request = api::read_openai_chat(body);
  exchange.log().model = request.model;
  add_warnings(exchange, request.warnings);
  const std::string prompt = co_await services.chat.render(request);
  co_await send_json(exchange, api::write_llama_prompt(prompt));
}

}  // namespace hearth::daemon::handlers
