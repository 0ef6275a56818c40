// /v1/responses: translate, ask the chat service, write events, remember the response for a while.
#include "daemon/handlers/responses.h"

#include <fmt/format.h>

#include "api/json.h"
#include "base/clock.h"
#include "base/error.h"
#include "daemon/handlers/answer.h"
#include "daemon/handlers/handlers.h"
#include "daemon/response_store.h"

namespace hearth::daemon::handlers {
namespace {

StoredResponse find_stored(const Services& services, const std::string& id) {
  std::optional<StoredResponse> stored = services.responses.find(id);
  if (!stored) {
    throw Error(ErrorCode::not_found,
                fmt::format("response '{}' not found: only the latest ones are kept, in memory",
                            id.substr(0, 80)));
  }
  return std::move(*stored);
}

}  // namespace

api::ResponsesRequest read_conversation(Services& services, std::string_view body) {
  api::ResponsesRequest request = api::read_openai_responses(body);
  std::vector<api::Message> before;
  if (!request.previous_response_id.empty())
    before = find_stored(services, request.previous_response_id).messages;
  api::begin_conversation(request, before);
  return request;
}

Task<void> openai_responses(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ResponsesRequest request = read_conversation(services, body);
  const std::string id = random_id("resp_");
  const auto own_writer =
      std::make_shared<api::OpenAiResponsesWriter>(request, id, system_clock().wall());
  const WriterPointer writer = own_writer;
  co_await answer_chat(services, exchange, {&request.chat, 1}, writer);
  if (!request.is_stored || request.chat.is_render_only) co_return;
  StoredResponse stored{api::to_line(own_writer->response()), request.conversation};
  stored.messages.push_back(own_writer->message());
  services.responses.put(id, std::move(stored));
}

Task<void> openai_response(Services& services, Exchange& exchange) {
  StoredResponse stored = find_stored(services, exchange.request().parameter);
  co_await send_json(exchange, std::move(stored.body));
}

Task<void> openai_response_delete(Services& services, Exchange& exchange) {
  const std::string& id = exchange.request().parameter;
  find_stored(services, id);
  services.responses.remove(id);
  co_await send_json(exchange, api::write_openai_deleted_response(id));
}

}  // namespace hearth::daemon::handlers
