// What models there are and what is in them: tags, show, copy, delete, ps, and the models of the
// other dialects.
#include <algorithm>

#include "api/anthropic.h"
#include "api/native.h"
#include "api/openai.h"
#include "daemon/chat_service.h"
#include "daemon/config.h"
#include "daemon/handlers/handlers.h"
#include "daemon/model_library.h"
#include "daemon/model_manager.h"
#include "daemon/server/access.h"
#include "daemon/server/worker_pool.h"

namespace hearth::daemon::handlers {
namespace {

Task<std::vector<api::ModelSummary>> list(Services& services) {
  std::function<std::vector<api::ModelSummary>()> job = [&services] {
    return services.library.list();
  };
  co_return co_await services.workers.compute(std::move(job));
}

Task<void> send_empty(Exchange& exchange) {
  Reply reply;
  reply.content_type.clear();
  co_await exchange.send(std::move(reply));
}

}  // namespace

Task<void> tags(Services& services, Exchange& exchange) {
  if (exchange.request().query != "paths=1") {
    const std::vector<api::ModelSummary> models = co_await list(services);
    co_await send_json(exchange, api::write_native_tags(models));
    co_return;
  }
  if (!is_loopback_host(services.config.host)) {
    throw Error(ErrorCode::forbidden,
                "paths: only a daemon that listens on this computer alone tells where files lie");
  }
  std::function<std::vector<api::ModelSummary>()> job = [&services] {
    return services.library.list_with_paths();
  };
  const std::vector<api::ModelSummary> models = co_await services.workers.compute(std::move(job));
  co_await send_json(exchange, api::write_native_tags(models));
}

// One address for two dialects: Anthropic's clients send a header.
Task<void> models(Services& services, Exchange& exchange) {
  const std::vector<api::ModelSummary> models = co_await list(services);
  const bool is_anthropic = !exchange.request().anthropic_version.empty();
  std::string body =
      is_anthropic ? api::write_anthropic_models(models) : api::write_openai_models(models);
  co_await send_json(exchange, std::move(body));
}

Task<void> model(Services& services, Exchange& exchange) {
  std::function<api::ModelSummary()> job = [&services, name = exchange.request().parameter] {
    return services.library.summary(name);
  };
  api::ModelSummary model = co_await services.workers.compute(std::move(job));
  model.name = exchange.request().parameter;  // clients look for the id that they asked for
  const bool is_anthropic = !exchange.request().anthropic_version.empty();
  std::string body =
      is_anthropic ? api::write_anthropic_model(model) : api::write_openai_model(model);
  co_await send_json(exchange, std::move(body));
}

// The prompt that a question becomes, for those who look at templates; not of models that have
// none.
Task<std::string> render_example(Services& services, const std::string& model,
                                 const api::ModelDescription& description) {
  const std::vector<std::string>& abilities = description.capabilities;
  const bool can_chat =
      std::find(abilities.begin(), abilities.end(), "completion") != abilities.end();
  if (!can_chat || description.template_source.starts_with("broken")) co_return "";
  api::ChatRequest request;
  request.model = model;
  api::Message& question = request.messages.emplace_back();
  question.role = "user";
  question.content = "Hello";
  co_return co_await services.chat.render(request);
}

Task<void> show(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::ShowRequest request = api::read_native_show(body);
  add_warnings(exchange, request.warnings);
  std::function<api::ModelDescription()> job = [&services, &request] {
    return services.library.describe(request);
  };
  api::ModelDescription description = co_await services.workers.compute(std::move(job));
  if (request.is_verbose)
    description.rendered_example = co_await render_example(services, request.model, description);
  // This client shows the base name as the model's, and takes two models of one base for the same.
  if (exchange.request().user_agent.starts_with("GitHubCopilotChat/"))
    description.model_info["general.basename"] = request.model;
  co_await send_json(exchange, api::write_native_show(description));
}

Task<void> copy(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::CopyRequest request = api::read_native_copy(body);
  add_warnings(exchange, request.warnings);
  std::function<void()> job = [&services, &request] { services.library.copy(request); };
  co_await services.workers.run(std::move(job));
  co_await send_empty(exchange);
}

Task<void> remove(Services& services, Exchange& exchange) {
  const std::string body = co_await read_json(exchange);
  const api::DeleteRequest request = api::read_native_delete(body);
  add_warnings(exchange, request.warnings);
  std::function<void()> job = [&services, &request] { services.library.remove(request.model); };
  co_await services.workers.run(std::move(job));
  co_await send_empty(exchange);
}

Task<void> ps(Services& services, Exchange& exchange) {
  const std::vector<api::RunningModel> models = co_await services.manager.running();
  co_await send_json(exchange, api::write_native_ps(models));
}

}  // namespace hearth::daemon::handlers
