#include "daemon/embed_service.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <mutex>

#include "base/error.h"
#include "daemon/rerank_prompt.h"
#include "daemon/server/worker_pool.h"

namespace hearth::daemon {
namespace {

using Clock = std::chrono::steady_clock;

int64_t ns_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

// Between the reader thread of the runner and the coroutine that waits for all vectors.
class ResultBuffer {
 public:
  ResultBuffer(Wake wake, size_t count) : wake_(std::move(wake)), results_(count) {}

  void put(size_t index, RunnerEmbedding result) {
    {
      const std::lock_guard lock(mutex_);
      has_failed_ = has_failed_ || result.result.has_failed;
      results_[index] = std::move(result.result);
      ++done_;
    }
    wake_.notify();
  }

  // All are there, or one failed: the others are not worth waiting for.
  bool is_decided() const {
    const std::lock_guard lock(mutex_);
    return has_failed_ || done_ == results_.size();
  }

  // Once decided. Throws what the first input that failed failed with.
  std::vector<engine::EmbeddingResult> take() {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < results_.size(); ++i) {
      if (!results_[i].has_failed) continue;
      const bool is_one = results_.size() == 1;
      throw Error(results_[i].error, is_one ? results_[i].message
                                            : fmt::format("input {}: {}", i, results_[i].message));
    }
    return std::move(results_);
  }

 private:
  const Wake wake_;
  mutable std::mutex mutex_;
  std::vector<engine::EmbeddingResult> results_;
  size_t done_ = 0;
  bool has_failed_ = false;
};

// The inputs on their way; whatever is left of them is cancelled at the end.
class Submission {
 public:
  explicit Submission(RunnerProcess& runner) : runner_(runner) {}
  ~Submission() {
    for (const engine::RequestId id : ids_) runner_.cancel(id);
  }
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;

  void add(engine::EmbeddingRequest request, RunnerProcess::EmbeddingCallback callback) {
    ids_.push_back(runner_.embed(std::move(request), std::move(callback)));
  }

 private:
  RunnerProcess& runner_;
  std::vector<engine::RequestId> ids_;
};

// What the old endpoint never scaled to length 1: models that were served before it learned to.
bool was_unscaled(const engine::ModelInfo& info) {
  return info.architecture.starts_with("nomic-bert") ||
         (info.architecture == "bert" && info.tokenizer_model != "bert");
}

engine::EmbeddingRequest to_input(const api::EmbedInput& input, const api::EmbedRequest& request,
                                  const engine::ModelInfo& info) {
  engine::EmbeddingRequest result;
  engine::PromptPart& part = result.input.emplace_back();
  part.text = input.text;
  part.tokens = input.tokens;
  result.normalize = request.normalize || !was_unscaled(info);
  result.truncate = request.truncate;
  return result;
}

// The first `dimensions` values, of length 1 again.
void shorten(std::vector<float>& vector, int64_t dimensions) {
  if (dimensions == 0 || dimensions == static_cast<int64_t>(vector.size())) return;
  if (dimensions > static_cast<int64_t>(vector.size())) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("dimensions: the model's vectors have {} values, {} were asked for",
                            vector.size(), dimensions));
  }
  vector.resize(static_cast<size_t>(dimensions));
  double sum = 0;
  for (const float value : vector) sum += static_cast<double>(value) * value;
  if (sum == 0) return;
  const double scale = 1 / std::sqrt(sum);
  for (float& value : vector) value = static_cast<float>(value * scale);
}

void check_vector(const engine::EmbeddingResult& result, const std::string& model) {
  if (result.rows != 1) {
    throw Error(ErrorCode::unsupported,
                fmt::format("the file of {} says that nothing is pooled: it gives {} vectors for "
                            "this input, not one",
                            model, result.rows));
  }
  for (const float value : result.values) {
    if (std::isfinite(value)) continue;
    throw Error(ErrorCode::internal,
                fmt::format("{} computed a vector with values that are no numbers: its weights are "
                            "damaged, or its activations exceed the range of floats",
                            model));
  }
}

}  // namespace

Task<RunnableModel> EmbedService::open(const std::string& name) {
  if (name.empty()) throw Error(ErrorCode::not_found, "model '' not found");
  std::function<RunnableModel()> job = [this, &name] { return library_.open(name); };
  co_return co_await workers_.compute(std::move(job));
}

Task<std::vector<engine::EmbeddingResult>> EmbedService::compute(
    Exchange& exchange, const ModelLease& lease, std::vector<engine::EmbeddingRequest> inputs) {
  // Shared: results may still come when the client has gone.
  const auto buffer = std::make_shared<ResultBuffer>(exchange.wake(), inputs.size());
  Submission submission(lease.runner());
  for (size_t i = 0; i < inputs.size(); ++i) {
    submission.add(std::move(inputs[i]),
                   [buffer, i](RunnerEmbedding result) { buffer->put(i, std::move(result)); });
  }
  while (!buffer->is_decided()) {
    exchange.throw_if_gone();
    co_await exchange.wait();
  }
  co_return buffer->take();
}

Task<api::EmbedReply> EmbedService::embed(Exchange& exchange, const api::EmbedRequest& request) {
  if (request.inputs.size() > embed_inputs_max) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("input: there are {}, a request can have {}: send several requests",
                            request.inputs.size(), embed_inputs_max));
  }
  const RunnableModel model = co_await open(request.model);
  const Clock::time_point load_start = Clock::now();
  const ModelLease lease = co_await manager_.acquire(exchange, model, request.keep_alive);
  api::EmbedReply reply;
  reply.load_ns = ns_since(load_start);
  exchange.log().load_ns = reply.load_ns;
  std::vector<engine::EmbeddingRequest> inputs;
  for (const api::EmbedInput& input : request.inputs)
    inputs.push_back(to_input(input, request, model.facts->info));
  std::vector<engine::EmbeddingResult> results =
      co_await compute(exchange, lease, std::move(inputs));
  for (engine::EmbeddingResult& result : results) {
    check_vector(result, model.name);
    shorten(result.values, request.dimensions);
    reply.vectors.push_back(std::move(result.values));
    reply.input_tokens.push_back(result.input_tokens);
    reply.truncated_count += result.is_truncated ? 1 : 0;
    exchange.log().prompt_tokens += result.input_tokens;
  }
  reply.total_ns = ns_since(exchange.request().arrived);
  co_return reply;
}

Task<api::RerankReply> EmbedService::rerank(Exchange& exchange, const api::RerankRequest& request) {
  const RunnableModel model = co_await open(request.model);
  if (!model.facts->info.is_embedding) {
    throw Error(ErrorCode::unsupported, fmt::format("\"{}\" does not support rerank", model.name));
  }
  const ModelLease lease = co_await manager_.acquire(exchange, model, request.keep_alive);
  std::vector<engine::EmbeddingRequest> inputs;
  for (const std::string& document : request.documents) {
    engine::EmbeddingRequest& input = inputs.emplace_back();
    input.input = rerank_prompt(model.facts->info, request.query, document);
    input.pooling = engine::Pooling::rank;
    input.truncate = request.truncate;
  }
  const std::vector<engine::EmbeddingResult> results =
      co_await compute(exchange, lease, std::move(inputs));
  api::RerankReply reply;
  for (const engine::EmbeddingResult& result : results) {
    check_vector(result, model.name);
    reply.scores.push_back(rerank_score(result.values));
    reply.input_tokens += result.input_tokens;
    reply.truncated_count += result.is_truncated ? 1 : 0;
  }
  exchange.log().prompt_tokens = reply.input_tokens;
  co_return reply;
}

}  // namespace hearth::daemon
