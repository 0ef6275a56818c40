// POST /api/chat, /api/generate, /v1/chat/completions, /v1/completions: translate, ask the chat
// service, write events as they come.
#include <fmt/format.h>

#include <iterator>
#include <random>

#include "api/native.h"
#include "api/openai.h"
#include "base/clock.h"
#include "daemon/chat_service.h"
#include "daemon/handlers/handlers.h"

namespace hearth::daemon::handlers {
namespace {

void note_end(Exchange& exchange, const api::ChatEvent& event) {
  exchange.log().prompt_tokens = event.metrics.prompt_tokens;
  exchange.log().generated_tokens = event.metrics.generated_tokens;
}

// A stream begins with the first event, so that what goes wrong before has its own status.
Task<void> stream(Exchange& exchange, ChatAnswer& answer, api::ReplyWriter& writer) {
  bool is_final = false;
  while (!is_final) {
    const api::ChatEvent event = co_await answer.next();
    is_final = event.is_final;
    if (is_final) note_end(exchange, event);
    if (!exchange.has_started()) {
      co_await exchange.start_stream(writer.dialect() == api::Dialect::native ? ndjson
                                                                              : event_stream);
    }
    std::vector<std::string> frames = writer.frames(event, system_clock().wall());
    for (std::string& frame : frames) co_await exchange.write(std::move(frame));
  }
  co_await exchange.finish();
}

Task<void> collect(Exchange& exchange, ChatAnswer& answer, api::ReplyWriter& writer) {
  std::string content;
  std::string thinking;
  std::vector<api::TokenLogProb> log_probs;
  std::vector<modelfile::ToolCall> tool_calls;
  while (true) {
    api::ChatEvent event = co_await answer.next();
    content += event.content;
    thinking += event.thinking;
    std::move(event.log_probs.begin(), event.log_probs.end(), std::back_inserter(log_probs));
    std::move(event.tool_calls.begin(), event.tool_calls.end(), std::back_inserter(tool_calls));
    add_warnings(exchange, event.warnings);
    if (!event.is_final) continue;
    event.thinking = std::move(thinking);
    event.log_probs = std::move(log_probs);
    event.tool_calls = std::move(tool_calls);
    note_end(exchange, event);
    co_await send_json(exchange, writer.whole(content, event, system_clock().wall()));
    co_return;
  }
}

Task<void> answer_chat(Services& services, Exchange& exchange, const api::ChatRequest& request,
                       api::ReplyWriter& writer) {
  exchange.log().model = request.model;
  add_warnings(exchange, request.warnings);
  if (request.is_render_only) {
    const std::string prompt = co_await services.chat.render(request);
    co_await send_json(exchange,
                       api::write_native_rendered(request.model, prompt, system_clock().wall()));
    co_return;
  }
  if (request.is_load_only()) {
    exchange.set_heartbeat(Heartbeat::json);
    const api::ChatEvent event = co_await services.chat.load_or_unload(exchange, request);
    co_await send_json(exchange, writer.whole("", event, system_clock().wall()));
    co_return;
  }
  const bool is_native = writer.dialect() == api::Dialect::native;
  exchange.set_heartbeat(!request.is_stream ? Heartbeat::json
                         : is_native        ? Heartbeat::lines
                                            : Heartbeat::events);
  const std::unique_ptr<ChatAnswer> answer = co_await services.chat.start(exchange, request);
  if (request.is_stream) {
    co_await stream(exchange, *answer, writer);
  } else {
    co_await collect(exchange, *answer, writer);
  }
}

std::string random_id(std::string_view kind) {
  std::random_device random;
  return fmt::format("{}-{:08x}{:08x}{:08x}", kind, random(), random(), random());
}

}  // namespace

Task<void> generate(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ChatRequest request = api::read_native_generate(body);
  api::NativeGenerateWriter writer(request.model);
  co_await answer_chat(services, exchange, request, writer);
}

Task<void> chat(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ChatRequest request = api::read_native_chat(body);
  api::NativeChatWriter writer(request.model);
  co_await answer_chat(services, exchange, request, writer);
}

Task<void> openai_chat(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ChatRequest request = api::read_openai_chat(body);
  api::OpenAiChatWriter writer(request, random_id("chatcmpl"), system_clock().wall());
  co_await answer_chat(services, exchange, request, writer);
}

Task<void> openai_completion(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ChatRequest request = api::read_openai_completion(body);
  api::OpenAiCompletionWriter writer(request, random_id("cmpl"), system_clock().wall());
  co_await answer_chat(services, exchange, request, writer);
}

}  // namespace hearth::daemon::handlers
