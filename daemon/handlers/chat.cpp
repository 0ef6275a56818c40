// POST /api/chat, /api/generate, /v1/chat/completions, /v1/completions, /v1/messages: translate,
// ask the chat service, write events as they come.
#include "api/anthropic.h"
#include "api/native.h"
#include "api/openai.h"
#include "base/clock.h"
#include "daemon/chat_service.h"
#include "daemon/handlers/answer.h"
#include "daemon/handlers/handlers.h"

namespace hearth::daemon::handlers {

Task<void> generate(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ChatRequest request = api::read_native_generate(body);
  const WriterPointer writer = std::make_shared<api::NativeGenerateWriter>(request.model);
  co_await answer_chat(services, exchange, {&request, 1}, writer);
}

Task<void> chat(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ChatRequest request = api::read_native_chat(body);
  const WriterPointer writer = std::make_shared<api::NativeChatWriter>(request.model);
  co_await answer_chat(services, exchange, {&request, 1}, writer);
}

Task<void> openai_chat(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ChatRequest request = api::read_openai_chat(body);
  const WriterPointer writer = std::make_shared<api::OpenAiChatWriter>(
      request, random_id("chatcmpl-"), system_clock().wall());
  co_await answer_chat(services, exchange, {&request, 1}, writer);
}

Task<void> openai_completion(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const std::vector<api::ChatRequest> requests = api::read_openai_completion(body);
  const WriterPointer writer = std::make_shared<api::OpenAiCompletionWriter>(
      requests, random_id("cmpl-"), system_clock().wall());
  co_await answer_chat(services, exchange, requests, writer);
}

Task<void> anthropic_messages(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ChatRequest request = api::read_anthropic_messages(body);
  const WriterPointer writer = std::make_shared<api::AnthropicWriter>(request, random_id("msg_"));
  co_await answer_chat(services, exchange, {&request, 1}, writer);
}

}  // namespace hearth::daemon::handlers
