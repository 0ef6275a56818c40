#include "daemon/tokenize_service.h"

#include "daemon/server/worker_pool.h"

namespace hearth::daemon {

Task<ModelLease> TokenizeService::acquire(Exchange& exchange, const std::string& name,
                                          std::optional<api::Duration> keep_alive) {
  std::function<RunnableModel()> job = [this, &name] { return library_.open(name); };
  RunnableModel model = co_await workers_.compute(std::move(job));
  if (std::optional<ModelLease> loaded = manager_.acquire_loaded(model, keep_alive))
    co_return std::move(*loaded);
  model.vocabulary_only = true;
  model.weights_key += " vocabulary";
  model.adapters.clear();
  model.draft.clear();
  co_return co_await manager_.acquire(exchange, model, keep_alive);
}

Task<std::vector<int32_t>> TokenizeService::tokenize(Exchange& exchange,
                                                     const api::TokenizeRequest& request) {
  const ModelLease lease = co_await acquire(exchange, request.model, request.keep_alive);
  std::vector<engine::PromptPart> parts(1);
  parts[0].text = request.text;
  parts[0].is_trusted = request.with_special;
  std::function<std::vector<int32_t>()> job = [&] {
    if (request.text.empty() && !request.with_special) return std::vector<int32_t>{};
    return lease.runner().tokenize(parts, request.with_special);
  };
  co_return co_await workers_.compute(std::move(job));
}

Task<std::string> TokenizeService::detokenize(Exchange& exchange,
                                              const api::DetokenizeRequest& request) {
  const ModelLease lease = co_await acquire(exchange, request.model, request.keep_alive);
  std::function<std::string()> job = [&] { return lease.runner().detokenize(request.tokens); };
  co_return co_await workers_.compute(std::move(job));
}

}  // namespace hearth::daemon
