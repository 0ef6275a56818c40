#include "daemon/running_answer.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <random>

#include "base/error.h"
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

}  // namespace

// One answer: its events as they come from the runner, read by the model's way of writing.
class RunningAnswer::Choice {
 public:
  Choice(size_t index, Wake wake, modelfile::ReplyStyle style)
      : index_(index),
        parser_(std::move(style)),
        buffer_(std::make_shared<EventBuffer>(std::move(wake))) {}

  void start(RunnerProcess& runner, engine::GenerationRequest request) {
    id_ = runner.generate(std::move(request), [buffer = buffer_](RunnerEvent event) {
      buffer->push(std::move(event));
    });
  }
  void cancel(RunnerProcess& runner) {
    if (id_ && !end_) runner.cancel(*id_);
  }
  size_t index() const { return index_; }
  bool is_finished() const { return is_finished_; }
  const RunnerEvent& end() const { return *end_; }

  // The next piece that shows something, or the end, which has `ends_choice`. Absent: nothing yet.
  std::optional<api::ChatEvent> poll() {
    while (true) {
      if (end_) {
        is_finished_ = true;
        return final_event();
      }
      std::optional<EventBuffer::Taken> taken = buffer_->take();
      if (!taken) return std::nullopt;
      if (taken->end) end_ = taken->end;
      api::ChatEvent event = to_event(std::move(*taken));
      const bool is_empty = event.content.empty() && event.thinking.empty() &&
                            event.tool_calls.empty() && event.log_probs.empty() &&
                            event.warnings.empty();
      if (!is_empty) return event;
    }
  }

 private:
  // A piece; at the end what the parser held back.
  api::ChatEvent to_event(EventBuffer::Taken taken) {
    modelfile::ReplyPiece piece = taken.end ? parser_.finish() : parser_.push(taken.piece.text);
    api::ChatEvent event;
    event.choice = index_;
    event.content = std::move(piece.content);
    event.thinking = std::move(piece.thinking);
    event.tool_calls = std::move(piece.tool_calls);
    for (modelfile::ToolCall& call : event.tool_calls) call.id = random_call_id();
    event.warnings = std::move(piece.warnings);
    for (const std::vector<engine::LogProb>& row : taken.piece.log_probs)
      event.log_probs.push_back(to_log_prob(row));
    return event;
  }

  api::ChatEvent final_event() const {
    const engine::GenerationEvent& end = end_->event;
    api::ChatEvent event;
    event.choice = index_;
    event.ends_choice = true;
    event.reason = end.finish == engine::FinishReason::length ? api::DoneReason::length
                                                              : api::DoneReason::stop;
    event.stop = end.stop;
    event.context_tokens = end.tokens;
    return event;
  }

  const size_t index_;
  modelfile::ReplyParser parser_;
  // Shared: the runner's last event may come after the client has gone.
  std::shared_ptr<EventBuffer> buffer_;
  std::optional<engine::RequestId> id_;
  std::optional<RunnerEvent> end_;  // what remains is the final event
  bool is_finished_ = false;
};

RunningAnswer::RunningAnswer(Exchange& exchange, ModelManager& manager, WorkerPool& workers,
                             ModelLease lease, AnswerSetting setting)
    : exchange_(exchange),
      manager_(manager),
      workers_(workers),
      lease_(std::move(lease)),
      setting_(std::move(setting)) {}

RunningAnswer::~RunningAnswer() {
  for (const auto& choice : choices_) choice->cancel(lease_.runner());
}

void RunningAnswer::start(engine::GenerationRequest request, modelfile::ReplyStyle style) {
  choices_.push_back(std::make_unique<Choice>(choices_.size(), exchange_.wake(), std::move(style)));
  choices_.back()->start(lease_.runner(), std::move(request));
}

Task<api::ChatEvent> RunningAnswer::next() {
  while (true) {
    if (std::optional<api::ChatEvent> event = poll()) {
      thoughts_ += event->thinking;
      if (setting_.is_single_call) drop_further_calls(*event);
      if (event->is_final) {
        event->metrics.thinking_tokens = co_await thinking_tokens();
      } else {
        event->metrics.prompt_tokens = std::exchange(announced_prompt_tokens_, 0);
      }
      co_return std::move(*event);
    }
    exchange_.throw_if_gone();
    co_await exchange_.wait();
  }
}

Task<int64_t> RunningAnswer::thinking_tokens() {
  if (thoughts_.empty()) co_return 0;
  std::vector<engine::PromptPart> parts(1);
  parts[0].text = thoughts_;
  std::function<int64_t()> job = [&]() -> int64_t {
    return std::ssize(lease_.runner().tokenize(parts, false));
  };
  co_return co_await workers_.compute(std::move(job));
}

void RunningAnswer::drop_further_calls(api::ChatEvent& event) {
  if (event.tool_calls.empty()) return;
  const bool is_first = std::find(called_choices_.begin(), called_choices_.end(), event.choice) ==
                        called_choices_.end();
  if (is_first) called_choices_.push_back(event.choice);
  const size_t kept = is_first ? 1 : 0;
  if (event.tool_calls.size() <= kept) return;
  event.tool_calls.resize(kept);
  event.warnings.push_back("calls beyond the first were dropped, as the request asks");
}

std::optional<api::ChatEvent> RunningAnswer::poll() {
  for (size_t i = 0; i < choices_.size(); ++i) {
    Choice& choice = *choices_[(turn_ + i) % choices_.size()];
    if (choice.is_finished()) continue;
    std::optional<api::ChatEvent> event = choice.poll();
    if (!event) continue;
    turn_ = (choice.index() + 1) % choices_.size();
    if (event->ends_choice) finish_choice(choice, *event);
    return event;
  }
  return std::nullopt;
}

void RunningAnswer::finish_choice(const Choice& choice, api::ChatEvent& event) {
  check_failure(choice.end());
  add_metrics(choice);
  event.is_final = ++finished_ == choices_.size();
  if (!event.is_final) {
    event.context_tokens.clear();
    return;
  }
  metrics_.total_ns = ns_since(exchange_.request().arrived);
  metrics_.load_ns = setting_.load_ns;
  event.metrics = metrics_;
  exchange_.log().cached_prompt_tokens = metrics_.cached_prompt_tokens;
  const int64_t worked_ns = metrics_.prompt_ns + metrics_.generation_ns;
  exchange_.log().queue_ns = std::max<int64_t>(ns_since(started_) - worked_ns, 0);
}

// Side by side: counts add up, times are those of the slowest.
void RunningAnswer::add_metrics(const Choice& choice) {
  const engine::Timings& timings = choice.end().event.timings;
  const auto index = static_cast<int64_t>(choice.index());
  if (index % setting_.choices_per_prompt == 0) {
    metrics_.prompt_tokens += timings.prompt_tokens;
    metrics_.cached_prompt_tokens += timings.cached_prompt_tokens;
  }
  metrics_.generated_tokens += timings.generated_tokens;
  metrics_.prompt_ns = std::max(metrics_.prompt_ns, timings.prompt_ns);
  metrics_.generation_ns = std::max(metrics_.generation_ns, timings.generation_ns);
  exchange_.log().drafted_tokens += timings.guesses.drafted;
  exchange_.log().accepted_tokens += timings.guesses.accepted;
}

void RunningAnswer::check_failure(const RunnerEvent& end) const {
  if (end.killed_runner) {
    manager_.count_kill(setting_.fingerprint, lease_.runner_id());
    throw Error(ErrorCode::internal, end.event.message);
  }
  if (end.event.finish == engine::FinishReason::failed)
    throw Error(end.event.error, end.event.message);
  if (end.event.finish == engine::FinishReason::cancelled)
    throw Error(ErrorCode::unavailable, "the model was unloaded while it answered");
}

}  // namespace hearth::daemon
