#include "daemon/chat_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <random>

#include "base/error.h"
#include "daemon/config.h"
#include "daemon/server/worker_pool.h"
#include "modelfile/reply_parser.h"

namespace hearth::daemon {
namespace {

using Clock = std::chrono::steady_clock;

// More pieces than this wait for a slow client: from here on they are joined.
constexpr size_t pieces_max = 256;

int64_t ns_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

// Between the reader thread of the runner and the coroutine that answers.
class EventBuffer {
 public:
  explicit EventBuffer(Wake wake) : wake_(std::move(wake)) {}

  void push(RunnerEvent event) {
    {
      const std::lock_guard lock(mutex_);
      if (!event.event.text.empty() || !event.event.log_probs.empty()) add(event.event);
      if (event.event.is_final) end_ = std::move(event);
    }
    wake_.notify();
  }

  struct Piece {
    std::string text;
    std::vector<std::vector<engine::LogProb>> log_probs;
  };
  struct Taken {
    Piece piece;
    std::optional<RunnerEvent> end;  // with an empty piece: all pieces are taken
  };
  // Absent: nothing there yet.
  std::optional<Taken> take() {
    const std::lock_guard lock(mutex_);
    if (!pieces_.empty()) {
      Taken taken{std::move(pieces_.front()), std::nullopt};
      pieces_.pop_front();
      return taken;
    }
    if (!end_) return std::nullopt;
    return Taken{{}, end_};
  }

 private:
  // With mutex_ held.
  void add(engine::GenerationEvent& event) {
    if (pieces_.size() < pieces_max) {
      pieces_.push_back({std::move(event.text), std::move(event.log_probs)});
      return;
    }
    Piece& last = pieces_.back();
    last.text += event.text;
    std::move(event.log_probs.begin(), event.log_probs.end(), std::back_inserter(last.log_probs));
  }

  const Wake wake_;
  std::mutex mutex_;
  std::deque<Piece> pieces_;
  std::optional<RunnerEvent> end_;
};

// The chosen token, then the likeliest ones.
api::TokenLogProb to_log_prob(const std::vector<engine::LogProb>& row) {
  api::TokenLogProb result;
  if (row.empty()) return result;
  result.token = row.front().piece;
  result.value = row.front().value;
  for (size_t i = 1; i < row.size(); ++i) result.top.push_back({row[i].piece, row[i].value, {}});
  return result;
}

std::string random_call_id() {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;
  std::string id = "call_";
  for (int i = 0; i < 8; ++i) id += letters[random() % letters.size()];
  return id;
}

class RunningAnswer : public ChatAnswer {
 public:
  RunningAnswer(Exchange& exchange, ModelManager& manager, ModelLease lease,
                modelfile::ReplyStyle style, std::string fingerprint, int64_t load_ns)
      : exchange_(exchange),
        manager_(manager),
        lease_(std::move(lease)),
        parser_(std::move(style)),
        fingerprint_(std::move(fingerprint)),
        load_ns_(load_ns),
        buffer_(std::make_shared<EventBuffer>(exchange.wake())) {}

  ~RunningAnswer() override {
    if (id_ && !is_finished_) lease_.runner().cancel(*id_);
  }

  void start(engine::GenerationRequest request) {
    id_ = lease_.runner().generate(std::move(request), [buffer = buffer_](RunnerEvent event) {
      buffer->push(std::move(event));
    });
  }

  Task<api::ChatEvent> next() override {
    while (true) {
      if (end_) co_return final_event(*end_);
      std::optional<EventBuffer::Taken> taken = buffer_->take();
      if (taken) {
        const api::ChatEvent event = to_event(std::move(*taken));
        const bool is_empty = event.content.empty() && event.thinking.empty() &&
                              event.tool_calls.empty() && event.log_probs.empty();
        if (!is_empty) co_return event;
        continue;  // held back by the parser, or the end
      }
      exchange_.throw_if_gone();
      co_await exchange_.wait();
    }
  }

 private:
  // A piece; at the end what the parser held back.
  api::ChatEvent to_event(EventBuffer::Taken taken) {
    modelfile::ReplyPiece piece;
    if (taken.end) {
      is_finished_ = true;
      check_failure(*taken.end);
      end_ = std::move(taken.end);
      piece = parser_.finish();
    } else {
      piece = parser_.push(taken.piece.text);
    }
    api::ChatEvent event;
    event.content = std::move(piece.content);
    event.thinking = std::move(piece.thinking);
    event.tool_calls = std::move(piece.tool_calls);
    for (modelfile::ToolCall& call : event.tool_calls) call.id = random_call_id();
    event.warnings = std::move(piece.warnings);
    for (const std::vector<engine::LogProb>& row : taken.piece.log_probs)
      event.log_probs.push_back(to_log_prob(row));
    return event;
  }

  api::ChatEvent final_event(const RunnerEvent& ended) {
    const engine::GenerationEvent& end = ended.event;
    api::ChatEvent event;
    event.is_final = true;
    event.reason = end.finish == engine::FinishReason::length ? api::DoneReason::length
                                                              : api::DoneReason::stop;
    event.context_tokens = end.tokens;
    event.metrics.total_ns = ns_since(exchange_.request().arrived);
    event.metrics.load_ns = load_ns_;
    event.metrics.prompt_tokens = end.timings.prompt_tokens;
    event.metrics.prompt_ns = end.timings.prompt_ns;
    event.metrics.generated_tokens = end.timings.generated_tokens;
    event.metrics.generation_ns = end.timings.generation_ns;
    exchange_.log().cached_prompt_tokens = end.timings.cached_prompt_tokens;
    exchange_.log().drafted_tokens = end.timings.guesses.drafted;
    exchange_.log().accepted_tokens = end.timings.guesses.accepted;
    const int64_t worked_ns = end.timings.prompt_ns + end.timings.generation_ns;
    exchange_.log().queue_ns = std::max<int64_t>(ns_since(started_) - worked_ns, 0);
    return event;
  }

  void check_failure(const RunnerEvent& end) const {
    if (end.killed_runner) {
      manager_.count_kill(fingerprint_, lease_.runner_id());
      throw Error(ErrorCode::internal, end.event.message);
    }
    if (end.event.finish == engine::FinishReason::failed)
      throw Error(end.event.error, end.event.message);
    if (end.event.finish == engine::FinishReason::cancelled)
      throw Error(ErrorCode::unavailable, "the model was unloaded while it answered");
  }

  Exchange& exchange_;
  ModelManager& manager_;
  ModelLease lease_;
  modelfile::ReplyParser parser_;
  std::string fingerprint_;
  int64_t load_ns_;
  Clock::time_point started_ = Clock::now();
  // Shared: the runner's last event may come after the client has gone.
  std::shared_ptr<EventBuffer> buffer_;
  std::optional<engine::RequestId> id_;
  std::optional<RunnerEvent> end_;  // what remains is the final event
  bool is_finished_ = false;
};

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
  std::function<PreparedRequest()> job = [&] { return daemon::prepare(request, model, defaults); };
  co_return co_await workers_.compute(std::move(job));
}

Task<std::string> ChatService::render(const api::ChatRequest& request) {
  const RunnableModel model = co_await open(request);
  const PreparedRequest prepared = co_await prepare(request, model);
  std::string text;
  for (const engine::PromptPart& part : prepared.generation.prompt) text += part.text;
  co_return text;
}

Task<std::unique_ptr<ChatAnswer>> ChatService::start(Exchange& exchange,
                                                     const api::ChatRequest& request) {
  const RunnableModel model = co_await open(request);
  PreparedRequest prepared = co_await prepare(request, model);
  engine::GenerationRequest& generation = prepared.generation;
  std::string print = fingerprint(generation, model.weights_key);
  if (manager_.kills(print) >= 2) {
    throw Error(
        ErrorCode::internal,
        fmt::format("this request ended the runner of {} twice and is not tried again for now",
                    model.name));
  }
  const Clock::time_point load_start = Clock::now();
  ModelLease lease = co_await manager_.acquire(exchange, model, request.keep_alive);
  const int64_t load_ns = ns_since(load_start);
  exchange.log().load_ns = load_ns;
  generation.context_tokens = std::min(generation.context_tokens, lease.facts().context_tokens);
  auto answer = std::make_unique<RunningAnswer>(
      exchange, manager_, std::move(lease), std::move(prepared.reply), std::move(print), load_ns);
  answer->start(std::move(generation));
  co_return answer;
}

}  // namespace hearth::daemon
