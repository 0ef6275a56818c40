#include "daemon/handlers/answer.h"

#include <fmt/format.h>

#include <iterator>
#include <random>

#include "api/native.h"
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
    std::vector<std::string> frames = writer.frames(event, system_clock().wall());
    if (!exchange.has_started()) {
      co_await exchange.start_stream(writer.dialect() == api::Dialect::native ? ndjson
                                                                              : event_stream);
    }
    for (std::string& frame : frames) co_await exchange.write(std::move(frame));
  }
  co_await exchange.finish();
}

void append(api::ChatEvent& whole, api::ChatEvent&& piece) {
  whole.content += piece.content;
  whole.thinking += piece.thinking;
  std::move(piece.log_probs.begin(), piece.log_probs.end(), std::back_inserter(whole.log_probs));
  std::move(piece.tool_calls.begin(), piece.tool_calls.end(), std::back_inserter(whole.tool_calls));
  if (!piece.ends_choice) return;
  whole.ends_choice = true;
  whole.reason = piece.reason;
  whole.stop = std::move(piece.stop);
  whole.context_tokens = std::move(piece.context_tokens);
}

Task<void> collect(Exchange& exchange, ChatAnswer& answer, api::ReplyWriter& writer) {
  api::WholeAnswer whole;
  bool is_final = false;
  while (!is_final) {
    api::ChatEvent event = co_await answer.next();
    is_final = event.is_final;
    if (is_final) {
      note_end(exchange, event);
      whole.metrics = event.metrics;
    }
    if (!exchange.has_started()) add_warnings(exchange, event.warnings);
    if (whole.choices.size() <= event.choice) whole.choices.resize(event.choice + 1);
    append(whole.choices[event.choice], std::move(event));
  }
  for (size_t i = 0; i < whole.choices.size(); ++i) whole.choices[i].choice = i;
  co_await send_json(exchange, writer.whole(whole, system_clock().wall()));
}

Task<void> load_or_unload(Services& services, Exchange& exchange, const api::ChatRequest& request,
                          api::ReplyWriter& writer) {
  exchange.set_heartbeat(Heartbeat::json);
  api::WholeAnswer whole;
  api::ChatEvent event = co_await services.chat.load_or_unload(exchange, request);
  whole.choices.push_back(std::move(event));
  co_await send_json(exchange, writer.whole(whole, system_clock().wall()));
}

Heartbeat heartbeat_of(const api::ChatRequest& request, api::Dialect dialect) {
  if (!request.is_stream) return Heartbeat::json;
  switch (dialect) {
    case api::Dialect::native:
      return Heartbeat::lines;
    case api::Dialect::openai:
      return Heartbeat::events;
    case api::Dialect::anthropic:
      return Heartbeat::pings;
  }
  return Heartbeat::none;
}

}  // namespace

Task<void> answer_chat(Services& services, Exchange& exchange,
                       std::span<const api::ChatRequest> requests, const WriterPointer& writer) {
  const api::ChatRequest& first = requests.front();
  exchange.log().model = first.model;
  add_warnings(exchange, first.warnings);
  if (first.is_render_only) {
    const std::string prompt = co_await services.chat.render(first);
    co_await send_json(exchange, api::write_native_rendered(first, prompt, system_clock().wall()));
    co_return;
  }
  if (first.is_load_only()) {
    co_await load_or_unload(services, exchange, first, *writer);
    co_return;
  }
  exchange.set_heartbeat(heartbeat_of(first, writer->dialect()));
  exchange.set_failure_frame([writer](int status, std::string_view message) {
    return writer->failure_frame(status, message);
  });
  const std::unique_ptr<ChatAnswer> answer = co_await services.chat.start(exchange, requests);
  if (!exchange.has_started()) add_warnings(exchange, answer->warnings());
  if (first.is_stream) {
    co_await stream(exchange, *answer, *writer);
  } else {
    co_await collect(exchange, *answer, *writer);
  }
}

std::string random_id(std::string_view kind) {
  std::random_device random;
  return fmt::format("{}{:08x}{:08x}{:08x}", kind, random(), random(), random());
}

}  // namespace hearth::daemon::handlers
