#include "daemon/tokenize_service.h"

#include <array>
#include <span>

#include "daemon/server/worker_pool.h"

namespace hearth::daemon {

Task<RunnableModel> TokenizeService::open(const std::string& name) {
  std::function<RunnableModel()> job = [this, &name] { return library_.open(name); };
  co_return co_await workers_.compute(std::move(job));
}

Task<ModelLease> TokenizeService::acquire(Exchange& exchange, RunnableModel model,
                                          std::optional<api::Duration> keep_alive) {
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
  RunnableModel model = co_await open(request.model);
  const ModelLease lease = co_await acquire(exchange, std::move(model), request.keep_alive);
  std::vector<engine::PromptPart> parts(1);
  parts[0].text = request.text;
  parts[0].is_trusted = request.reads_special;
  std::function<std::vector<int32_t>()> job = [&] {
    if (request.text.empty() && !request.with_special) return std::vector<int32_t>{};
    return lease.runner().tokenize(parts, request.with_special);
  };
  co_return co_await workers_.compute(std::move(job));
}

Task<std::vector<int32_t>> TokenizeService::tokenize(Exchange& exchange, RunnableModel model,
                                                     const std::vector<engine::PromptPart>& prompt,
                                                     std::optional<api::Duration> keep_alive) {
  const ModelLease lease = co_await acquire(exchange, std::move(model), keep_alive);
  std::function<std::vector<int32_t>()> job = [&] { return lease.runner().tokenize(prompt, true); };
  co_return co_await workers_.compute(std::move(job));
}

Task<std::vector<std::string>> TokenizeService::pieces(Exchange& exchange, const std::string& name,
                                                       const std::vector<int32_t>& tokens) {
  RunnableModel model = co_await open(name);
  const ModelLease lease = co_await acquire(exchange, std::move(model), std::nullopt);
  std::function<std::vector<std::string>()> job = [&] {
    // Behind another one: some vocabularies drop the blank that a text's first token begins with.
    std::vector<std::string> pieces;
    for (const int32_t token : tokens) {
      const std::array<int32_t, 2> pair{tokens.front(), token};
      const std::string before = lease.runner().detokenize(std::span(pair).first(1));
      pieces.push_back(lease.runner().detokenize(pair).substr(before.size()));
    }
    return pieces;
  };
  co_return co_await workers_.compute(std::move(job));
}

Task<std::string> TokenizeService::detokenize(Exchange& exchange,
                                              const api::DetokenizeRequest& request) {
  RunnableModel model = co_await open(request.model);
  const ModelLease lease = co_await acquire(exchange, std::move(model), request.keep_alive);
  std::function<std::string()> job = [&] { return lease.runner().detokenize(request.tokens); };
  co_return co_await workers_.compute(std::move(job));
}

}  // namespace hearth::daemon
