#include "daemon/chat_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "daemon/config.h"
#include "daemon/running_answer.h"
#include "daemon/server/worker_pool.h"
#include "daemon/tokenize_service.h"

namespace hearth::daemon {
namespace {

using Clock = std::chrono::steady_clock;

int64_t ns_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

}  // namespace

Task<RunnableModel> ChatService::open(const api::ChatRequest& request) {
  if (request.model.empty()) throw Error(ErrorCode::not_found, "model '' not found");
  std::function<RunnableModel()> job = [this, &request] { return library_.open(request.model); };
  co_return co_await workers_.compute(std::move(job));
}

Task<api::ChatEvent> ChatService::load_or_unload(Exchange& exchange,
                                                 const api::ChatRequest& request) {
  const RunnableModel model = co_await open(request);
  api::ChatEvent event;
  event.is_final = true;
  event.reason = api::DoneReason::load;
  if (request.keep_alive == api::Duration(0)) {
    manager_.unload(model.weights_key);
    event.reason = api::DoneReason::unload;
    co_return event;
  }
  if (model.facts->info.is_embedding) {
    throw Error(ErrorCode::unsupported, fmt::format("\"{}\" does not support {}", model.name,
                                                    to_string(request.operation)));
  }
  const ModelLease lease = co_await manager_.acquire(exchange, model, request.keep_alive);
  co_return event;
}

Task<PreparedRequest> ChatService::prepare(const api::ChatRequest& request,
                                           const RunnableModel& model) {
  const PromptDefaults defaults{config_.context_tokens, config_.truncates_like_ollama,
                                config_.prefers_stored_template};
  std::function<PreparedRequest()> job = [&] {
    PreparedRequest prepared = daemon::prepare(request, model, defaults);
    const std::optional<engine::ConstraintSpec>& constraint = prepared.generation.constraint;
    if (constraint) {
      for (const std::string& warning : grammars_.check(constraint->grammar))
        prepared.warnings.push_back(warning);
    }
    return prepared;
  };
  co_return co_await workers_.compute(std::move(job));
}

Task<std::string> ChatService::render(const api::ChatRequest& request) {
  const RunnableModel model = co_await open(request);
  const PreparedRequest prepared = co_await prepare(request, model);
  std::string text;
  for (const engine::PromptPart& part : prepared.generation.prompt) text += part.text;
  co_return text;
}

Task<std::vector<int32_t>> ChatService::tokens(Exchange& exchange,
                                               const api::ChatRequest& request) {
  const RunnableModel model = co_await open(request);
  const PreparedRequest prepared = co_await prepare(request, model);
  co_return co_await tokenize_.tokenize(exchange, model, prepared.generation.prompt,
                                        request.keep_alive);
}

void ChatService::check_kills(const std::string& print, const RunnableModel& model) const {
  if (manager_.kills(print) < 2) return;
  throw Error(
      ErrorCode::internal,
      fmt::format("this request ended the runner of {} twice and is not tried again for now",
                  model.name));
}

Task<std::unique_ptr<ChatAnswer>> ChatService::start(Exchange& exchange,
                                                     std::span<const api::ChatRequest> requests) {
  const api::ChatRequest& first = requests.front();
  const RunnableModel model = co_await open(first);
  std::vector<PreparedRequest> prepared;
  for (const api::ChatRequest& request : requests)
    prepared.push_back(co_await prepare(request, model));
  AnswerSetting setting;
  setting.fingerprint = fingerprint(prepared.front().generation, model.weights_key);
  check_kills(setting.fingerprint, model);
  setting.warnings = prepared.front().warnings;
  const Clock::time_point load_start = Clock::now();
  ModelLease lease = co_await manager_.acquire(exchange, model, first.keep_alive);
  setting.load_ns = ns_since(load_start);
  setting.choices_per_prompt = first.choice_count;
  setting.is_single_call = first.tool_choice.is_single;
  exchange.log().load_ns = setting.load_ns;
  const int64_t context_max = lease.facts().context_tokens;
  auto answer = std::make_unique<RunningAnswer>(exchange, manager_, workers_, std::move(lease),
                                                std::move(setting));
  for (PreparedRequest& each : prepared) {
    engine::GenerationRequest& generation = each.generation;
    generation.context_tokens = std::min(generation.context_tokens, context_max);
    for (int64_t i = 0; i < first.choice_count; ++i) {
      answer->start(generation, each.reply);
      if (generation.sampling.seed >= 0) ++generation.sampling.seed;
    }
  }
  if (first.counts_prompt_first) {
    std::function<int64_t()> job = [&]() -> int64_t {
      return std::ssize(
          answer->lease().runner().tokenize(prepared.front().generation.prompt, true));
    };
    answer->announce_prompt(co_await workers_.compute(std::move(job)));
  }
  co_return answer;
}

}  // namespace hearth::daemon
