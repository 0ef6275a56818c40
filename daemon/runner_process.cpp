// One reader thread per runner starts it, reads its frames, pings it and reaps it. Being the thread
// that started it, it also keeps the runner alive: the kernel ends the runner with this thread.
#include "daemon/runner_process.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>

#include "base/error.h"
#include "base/version.h"
#include "daemon/death_cause.h"
#include "daemon/spawn_runner.h"

namespace hearth::daemon {
namespace {

using engine::CancelFrame;
using engine::CancelLoadFrame;
using engine::DetokenizeFrame;
using engine::EmbeddingFrame;
using engine::EmbeddingRequest;
using engine::EmbeddingResult;
using engine::EmbedFrame;
using engine::EngineStats;
using engine::EventsFrame;
using engine::FailedFrame;
using engine::FatalFrame;
using engine::FinishReason;
using engine::Frame;
using engine::FrameChannel;
using engine::GenerateFrame;
using engine::GenerationEvent;
using engine::GenerationRequest;
using engine::HelloFrame;
using engine::LoadedFacts;
using engine::LoadedFrame;
using engine::LoadFrame;
using engine::LoadOptions;
using engine::PingFrame;
using engine::PongFrame;
using engine::ProgressFrame;
using engine::PromptPart;
using engine::ReceivedFrame;
using engine::ReceiveStatus;
using engine::RefusedFrame;
using engine::RequestId;
using engine::runner_protocol_version;
using engine::ShutdownFrame;
using engine::StatsFrame;
using engine::StatsRequestFrame;
using engine::TextFrame;
using engine::TokenId;
using engine::TokenizeFrame;
using engine::TokensFrame;
using Milliseconds = std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr auto reap_patience = Milliseconds(2'000);  // after its socket closed
constexpr auto progress_interval = Milliseconds(100);
constexpr auto stats_patience = Milliseconds(1'000);

Error death_error(const DeathCause& cause) {
  const bool is_memory = cause.kind == DeathKind::out_of_memory;
  return Error(is_memory ? ErrorCode::out_of_memory : ErrorCode::unavailable, cause.message);
}

GenerationEvent failed_event(RequestId id, const DeathCause& cause) {
  GenerationEvent event;
  event.id = id;
  event.is_final = true;
  event.finish = FinishReason::failed;
  event.error = ErrorCode::unavailable;
  event.message = cause.message;
  return event;
}

EmbeddingResult failed_embedding(RequestId id, const DeathCause& cause) {
  EmbeddingResult result;
  result.id = id;
  result.has_failed = true;
  result.error = ErrorCode::unavailable;
  result.message = cause.message;
  return result;
}

class RunnerProcessImpl final : public RunnerProcess {
 public:
  explicit RunnerProcessImpl(Options options) : options_(std::move(options)) {}
  ~RunnerProcessImpl() override;
  void start();

  LoadedFacts load(const ModelFiles& files, const LoadOptions& options,
                   const ProgressCallback& progress) override;
  RequestId generate(GenerationRequest request, EventCallback callback) override;
  RequestId embed(EmbeddingRequest request, EmbeddingCallback callback) override;
  void cancel(RequestId id) override;
  std::vector<TokenId> tokenize(std::span<const PromptPart> prompt, bool as_prompt) override;
  std::string detokenize(std::span<const TokenId> tokens) override;
  EngineStats stats() override;
  pid_t pid() const override { return process_; }
  bool is_alive() const override;
  std::optional<DeathCause> death_cause() const override;
  void stop(Milliseconds grace) override;

 private:
  enum class LoadState : uint8_t { none, running, loaded, refused };
  // An input whose vector is on its way, and what has come of it.
  struct PendingEmbedding {
    EmbeddingCallback callback;
    std::vector<float> values;
  };

  // The reader thread.
  void read_until_the_end();
  void read_frames();
  void dispatch(Frame& frame);
  void deliver(EventsFrame& frame);
  void deliver(EmbeddingFrame& frame);
  void check_hello(const HelloFrame& frame);
  void answer_call(uint64_t call, Frame&& frame);
  void ping_and_watch();
  bool watch(const PongFrame& pong);
  void reap();
  void bury();
  RunnerActivity activity() const;  // with mutex_ held

  void kill_process() noexcept;
  void send_unless_dead(const Frame& frame, std::span<const int> descriptors = {});
  void send_request(RequestId id, Frame frame);
  void end_unsent(RequestId id, const Error& error);
  void write_requests();
  Frame call(uint64_t number, const Frame& frame,
             std::optional<Milliseconds> patience = std::nullopt);
  void require_alive() const;  // with mutex_ held

  const Options options_;
  std::unique_ptr<FrameChannel> channel_;
  std::promise<void> started_;
  std::thread reader_;
  std::thread writer_;
  std::atomic<uint64_t> next_number_{1};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  pid_t process_ = 0;  // set before start() returns
  bool is_reaped_ = false;
  bool is_buried_ = false;  // all final events are out
  bool was_asked_to_stop_ = false;
  std::optional<DeathCause> cause_;
  LoadState load_state_ = LoadState::none;
  double load_fraction_ = 0;
  LoadedFacts facts_;
  RefusedFrame refusal_;
  std::unordered_map<RequestId, EventCallback> requests_;       // erased by the reader thread only
  std::unordered_map<RequestId, PendingEmbedding> embeddings_;  // likewise
  std::unordered_map<uint64_t, std::optional<Frame>> calls_;
  struct Outgoing {
    RequestId id = 0;
    std::optional<Frame> frame;  // absent: cancel it
  };
  std::deque<Outgoing> outgoing_;  // of the writer thread, so that only it waits for a full socket

  // The reader thread's own.
  DeathReport report_;
  int64_t memory_kills_before_ = 0;
  SteadyClock::time_point next_ping_;
  std::optional<SteadyClock::time_point> ping_since_;  // oldest unanswered
  SteadyClock::time_point last_step_;
  int64_t last_steps_ = -1;
};

RunnerProcessImpl::~RunnerProcessImpl() {
  if (reader_.joinable()) stop(Milliseconds(2'000));
  if (reader_.joinable()) reader_.join();
  if (writer_.joinable()) writer_.join();
}

void RunnerProcessImpl::start() {
  std::future<void> result = started_.get_future();
  reader_ = std::thread([this] { read_until_the_end(); });
  try {
    result.get();
  } catch (const Error&) {  // the reader is at its end already
    reader_.join();
    throw;
  }
  writer_ = std::thread([this] { write_requests(); });
}

void RunnerProcessImpl::read_until_the_end() {
  try {
    memory_kills_before_ = kernel_memory_kills();
    SpawnedRunner spawned = spawn_runner(options_);
    process_ = spawned.process;
    channel_ = std::make_unique<FrameChannel>(std::move(spawned.socket));
  } catch (const Error&) {
    started_.set_exception(std::current_exception());
    return;
  }
  report_.model_name = options_.model_name;
  next_ping_ = last_step_ = SteadyClock::now();
  started_.set_value();
  try {
    channel_->send(HelloFrame{runner_protocol_version, fmt::format("hearthd {}", version())});
    read_frames();
  } catch (const Error& error) {
    // The end of the socket while we wrote shows itself by the exit status.
    if (error.code() != ErrorCode::unavailable) report_.protocol_violation = error.what();
  }
  reap();
  bury();
}

void RunnerProcessImpl::read_frames() {
  for (;;) {
    const auto now = SteadyClock::now();
    const auto wait = std::max(Milliseconds(1), std::chrono::ceil<Milliseconds>(next_ping_ - now));
    ReceivedFrame received;
    const ReceiveStatus status = channel_->receive(received, wait);
    if (status == ReceiveStatus::closed) return;
    if (status == ReceiveStatus::frame) {
      if (!received.descriptors.empty())
        throw Error(ErrorCode::corrupt_data, "descriptors nobody asked for");
      dispatch(received.frame);
    }
    ping_and_watch();
    if (!report_.hang.empty()) return;
  }
}

void RunnerProcessImpl::dispatch(Frame& frame) {
  if (auto* hello = std::get_if<HelloFrame>(&frame)) return check_hello(*hello);
  if (auto* events = std::get_if<EventsFrame>(&frame)) return deliver(*events);
  if (auto* embedding = std::get_if<EmbeddingFrame>(&frame)) return deliver(*embedding);
  if (auto* pong = std::get_if<PongFrame>(&frame)) {
    ping_since_.reset();
    if (!watch(*pong))
      report_.hang = fmt::format("made no step for {} s", options_.hang_limit.count() / 1000.0);
    return;
  }
  if (auto* fatal = std::get_if<FatalFrame>(&frame)) {
    report_.last_words = fatal->message;
    report_.last_words_are_memory = fatal->code == ErrorCode::out_of_memory;
    return;
  }
  if (auto* tokens = std::get_if<TokensFrame>(&frame))
    return answer_call(tokens->call, std::move(frame));
  if (auto* text = std::get_if<TextFrame>(&frame)) return answer_call(text->call, std::move(frame));
  if (auto* stats_frame = std::get_if<StatsFrame>(&frame))
    return answer_call(stats_frame->call, std::move(frame));
  if (auto* failed = std::get_if<FailedFrame>(&frame))
    return answer_call(failed->call, std::move(frame));
  {
    std::lock_guard lock(mutex_);
    if (auto* progress = std::get_if<ProgressFrame>(&frame)) {
      load_fraction_ = progress->fraction;
    } else if (load_state_ == LoadState::running && std::holds_alternative<LoadedFrame>(frame)) {
      facts_ = std::move(std::get<LoadedFrame>(frame).facts);
      load_state_ = LoadState::loaded;
    } else if (load_state_ == LoadState::running && std::holds_alternative<RefusedFrame>(frame)) {
      refusal_ = std::move(std::get<RefusedFrame>(frame));
      load_state_ = LoadState::refused;
    } else {
      throw Error(ErrorCode::corrupt_data, "a frame that does not fit here");
    }
  }
  changed_.notify_all();
}

void RunnerProcessImpl::check_hello(const HelloFrame& frame) {
  if (frame.protocol == runner_protocol_version) return;
  throw Error(ErrorCode::corrupt_data,
              fmt::format("{} speaks version {} of the runner protocol, this hearthd {}: install "
                          "both from one build",
                          frame.program, frame.protocol, runner_protocol_version));
}

void RunnerProcessImpl::deliver(EventsFrame& frame) {
  for (GenerationEvent& event : frame.events) {
    EventCallback last;
    EventCallback* callback = nullptr;
    {
      std::lock_guard lock(mutex_);
      const auto found = requests_.find(event.id);
      if (found == requests_.end()) continue;
      callback = &found->second;  // stays put: only this thread erases
      if (event.is_final) {
        last = std::move(found->second);
        callback = &last;
        requests_.erase(found);
      }
    }
    (*callback)({std::move(event), false});
  }
}

void RunnerProcessImpl::deliver(EmbeddingFrame& frame) {
  PendingEmbedding pending;
  {
    std::lock_guard lock(mutex_);
    const auto found = embeddings_.find(frame.result.id);
    if (found == embeddings_.end()) return;
    std::vector<float>& values = found->second.values;
    values.insert(values.end(), frame.result.values.begin(), frame.result.values.end());
    if (!frame.is_final) return;
    pending = std::move(found->second);
    embeddings_.erase(found);
  }
  frame.result.values = std::move(pending.values);
  pending.callback({std::move(frame.result), false});
}

void RunnerProcessImpl::answer_call(uint64_t number, Frame&& frame) {
  {
    std::lock_guard lock(mutex_);
    const auto found = calls_.find(number);
    if (found == calls_.end()) return;
    found->second = std::move(frame);
  }
  changed_.notify_all();
}

void RunnerProcessImpl::ping_and_watch() {
  const auto now = SteadyClock::now();
  if (ping_since_ && now - *ping_since_ >= options_.hang_limit) {
    report_.hang = fmt::format("stopped answering for {} s", options_.hang_limit.count() / 1000.0);
    return;
  }
  if (now < next_ping_) return;
  next_ping_ = now + options_.ping_interval;
  if (ping_since_) return;
  // A ping that cannot be sent counts as unanswered too: then somebody else's large frame is not
  // being read.
  ping_since_ = now;
  if (!channel_->try_send(PingFrame{next_number_++})) next_ping_ = now + Milliseconds(100);
}

// False when requests are running and no step was made for too long. Waiting for another model's
// step is not a hang.
bool RunnerProcessImpl::watch(const PongFrame& pong) {
  const auto now = SteadyClock::now();
  if (pong.running == 0 || pong.waits_for_lease || pong.steps != last_steps_) {
    last_steps_ = pong.steps;
    last_step_ = now;
  }
  return now - last_step_ < options_.hang_limit;
}

void RunnerProcessImpl::kill_process() noexcept {
  std::lock_guard lock(mutex_);
  if (!is_reaped_) ::kill(process_, SIGKILL);
}

void RunnerProcessImpl::reap() {
  if (!report_.hang.empty() || !report_.protocol_violation.empty()) kill_process();
  const auto deadline = SteadyClock::now() + reap_patience;
  siginfo_t info{};
  // WNOWAIT first, so that the process id stays ours until the lock is held that kill_process()
  // takes.
  while (::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
         info.si_pid == 0) {
    if (SteadyClock::now() > deadline) kill_process();
    std::this_thread::sleep_for(Milliseconds(2));
  }
  {
    std::lock_guard lock(mutex_);
    ::waitpid(process_, &report_.wait_status, 0);
    is_reaped_ = true;
    report_.was_asked_to_stop = was_asked_to_stop_;
    report_.kernel_ran_out_of_memory = kernel_memory_kills() > memory_kills_before_;
    report_.activity = activity();
    cause_ = explain(report_);
  }
  channel_->shut_down();
  if (options_.lease != nullptr) options_.lease->forget(process_);
}

RunnerActivity RunnerProcessImpl::activity() const {
  if (load_state_ == LoadState::running) return RunnerActivity::loading;
  const bool is_idle = requests_.empty() && embeddings_.empty();
  return is_idle ? RunnerActivity::idle : RunnerActivity::answering;
}

// Nobody is left waiting: every request gets its final event, every blocked call wakes up.
void RunnerProcessImpl::bury() {
  std::unordered_map<RequestId, EventCallback> orphans;
  std::unordered_map<RequestId, PendingEmbedding> orphaned_inputs;
  {
    std::lock_guard lock(mutex_);
    orphans.swap(requests_);
    orphaned_inputs.swap(embeddings_);
  }
  changed_.notify_all();
  const bool is_violent = cause_->kind != DeathKind::stopped;
  if (is_violent) log::error(cause_->message);
  for (auto& [id, callback] : orphans) callback({failed_event(id, *cause_), is_violent});
  for (auto& [id, pending] : orphaned_inputs)
    pending.callback({failed_embedding(id, *cause_), is_violent});
  if (options_.on_death) options_.on_death(*cause_);
  {
    std::lock_guard lock(mutex_);
    is_buried_ = true;
  }
  changed_.notify_all();
}

void RunnerProcessImpl::require_alive() const {
  if (cause_) throw death_error(*cause_);
}

// A runner that dies meanwhile says why through its cause of death, not here.
void RunnerProcessImpl::send_unless_dead(const Frame& frame, std::span<const int> descriptors) {
  try {
    channel_->send(frame, descriptors);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unavailable) throw;
  }
}

LoadedFacts RunnerProcessImpl::load(const ModelFiles& files, const LoadOptions& options,
                                    const ProgressCallback& progress) {
  LoadFrame frame{options, static_cast<int32_t>(files.model.size()),
                  static_cast<int32_t>(files.adapters.size()),
                  static_cast<int32_t>(files.draft.size()), options_.lease != nullptr};
  std::vector<int> descriptors(files.model.begin(), files.model.end());
  descriptors.insert(descriptors.end(), files.adapters.begin(), files.adapters.end());
  descriptors.insert(descriptors.end(), files.draft.begin(), files.draft.end());
  if (frame.has_lease) descriptors.push_back(options_.lease->fd());
  {
    std::lock_guard lock(mutex_);
    require_alive();
    if (load_state_ != LoadState::none)
      throw Error(ErrorCode::internal, "a runner loads one model only");
    load_state_ = LoadState::running;
  }
  send_unless_dead(frame, descriptors);
  bool is_cancelled = false;
  std::unique_lock lock(mutex_);
  while (load_state_ == LoadState::running && !cause_) {
    changed_.wait_for(lock, progress_interval);
    if (!progress || is_cancelled) continue;
    const double fraction = load_fraction_;
    lock.unlock();
    is_cancelled = !progress(fraction);
    if (is_cancelled) send_unless_dead(CancelLoadFrame{});
    lock.lock();
  }
  if (is_cancelled) throw Error(ErrorCode::cancelled, "loading was cancelled");
  if (load_state_ == LoadState::refused) throw Error(refusal_.code, refusal_.message);
  if (load_state_ != LoadState::loaded) throw death_error(*cause_);
  return facts_;
}

RequestId RunnerProcessImpl::generate(GenerationRequest request, EventCallback callback) {
  const RequestId id = next_number_++;
  request.id = id;
  {
    std::lock_guard lock(mutex_);
    require_alive();
    requests_.emplace(id, std::move(callback));
  }
  send_request(id, GenerateFrame{std::move(request), ""});
  return id;
}

RequestId RunnerProcessImpl::embed(EmbeddingRequest request, EmbeddingCallback callback) {
  const RequestId id = next_number_++;
  request.id = id;
  {
    std::lock_guard lock(mutex_);
    require_alive();
    embeddings_.emplace(id, PendingEmbedding{std::move(callback), {}});
  }
  send_request(id, EmbedFrame{std::move(request)});
  return id;
}

void RunnerProcessImpl::send_request(RequestId id, Frame frame) {
  {
    std::lock_guard lock(mutex_);
    outgoing_.push_back({id, std::move(frame)});
  }
  changed_.notify_all();
}

void RunnerProcessImpl::write_requests() {
  for (;;) {
    Outgoing next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return cause_ || !outgoing_.empty(); });
      if (cause_) return;
      next = std::move(outgoing_.front());
      outgoing_.pop_front();
    }
    try {
      channel_->send(next.frame ? *next.frame : Frame(CancelFrame{next.id}));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::unavailable) return;  // dying: the reader tells everybody
      end_unsent(next.id, error);                          // too large
    }
  }
}

// Of a request that the runner never saw nobody else can be using the callback.
void RunnerProcessImpl::end_unsent(RequestId id, const Error& error) {
  EventCallback callback;
  EmbeddingCallback embedding_callback;
  {
    std::lock_guard lock(mutex_);
    if (auto request = requests_.extract(id)) callback = std::move(request.mapped());
    if (auto input = embeddings_.extract(id))
      embedding_callback = std::move(input.mapped().callback);
  }
  if (callback) {
    GenerationEvent event;
    event.id = id;
    event.is_final = true;
    const bool is_cancelled = error.code() == ErrorCode::cancelled;
    event.finish = is_cancelled ? FinishReason::cancelled : FinishReason::failed;
    event.error = error.code();
    event.message = error.what();
    callback({std::move(event), false});
  }
  if (embedding_callback) {
    EmbeddingResult result;
    result.id = id;
    result.has_failed = true;
    result.error = error.code();
    result.message = error.what();
    embedding_callback({std::move(result), false});
  }
}

void RunnerProcessImpl::cancel(RequestId id) {
  {
    std::lock_guard lock(mutex_);
    if (cause_ || (!requests_.contains(id) && !embeddings_.contains(id))) return;
    const auto is_it = [id](const Outgoing& one) { return one.id == id; };
    if (std::erase_if(outgoing_, is_it) == 0) {
      outgoing_.push_back({id, std::nullopt});
      id = 0;
    }
  }
  changed_.notify_all();
  if (id != 0) end_unsent(id, Error(ErrorCode::cancelled, "cancelled before it was begun"));
}

Frame RunnerProcessImpl::call(uint64_t number, const Frame& frame,
                              std::optional<Milliseconds> patience) {
  {
    std::lock_guard lock(mutex_);
    require_alive();
    calls_.emplace(number, std::nullopt);
  }
  try {
    if (!patience) send_unless_dead(frame);
    if (patience) channel_->try_send(frame);  // an unsent question is one without an answer
  } catch (const Error&) {                    // too large
    std::lock_guard lock(mutex_);
    calls_.erase(number);
    throw;
  }
  const auto is_over = [&] { return cause_ || calls_.at(number); };
  std::unique_lock lock(mutex_);
  if (patience) {
    changed_.wait_for(lock, *patience, is_over);
  } else {
    changed_.wait(lock, is_over);
  }
  const std::optional<Frame> answer = std::move(calls_.extract(number).mapped());
  if (!answer && !cause_) {
    throw Error(ErrorCode::unavailable,
                fmt::format("the runner of {} does not answer", options_.model_name));
  }
  if (!answer) throw death_error(*cause_);
  if (const auto* failed = std::get_if<FailedFrame>(&*answer))
    throw Error(failed->code, failed->message);
  return *answer;
}

template <typename T>
T expect(Frame&& frame) {
  if (T* wanted = std::get_if<T>(&frame)) return std::move(*wanted);
  throw Error(ErrorCode::internal, "the runner answered something that was not asked");
}

std::vector<TokenId> RunnerProcessImpl::tokenize(std::span<const PromptPart> prompt,
                                                 bool as_prompt) {
  const uint64_t number = next_number_++;
  return expect<TokensFrame>(
             call(number, TokenizeFrame{number, {prompt.begin(), prompt.end()}, as_prompt}))
      .tokens;
}

std::string RunnerProcessImpl::detokenize(std::span<const TokenId> tokens) {
  const uint64_t number = next_number_++;
  return expect<TextFrame>(call(number, DetokenizeFrame{number, {tokens.begin(), tokens.end()}}))
      .text;
}

EngineStats RunnerProcessImpl::stats() {
  const uint64_t number = next_number_++;
  return expect<StatsFrame>(call(number, StatsRequestFrame{number}, stats_patience)).stats;
}

bool RunnerProcessImpl::is_alive() const {
  std::lock_guard lock(mutex_);
  return !cause_;
}

std::optional<DeathCause> RunnerProcessImpl::death_cause() const {
  std::lock_guard lock(mutex_);
  return cause_;
}

void RunnerProcessImpl::stop(Milliseconds grace) {
  {
    std::lock_guard lock(mutex_);
    if (!cause_) was_asked_to_stop_ = true;
  }
  try {
    channel_->try_send(ShutdownFrame{});
  } catch (const Error&) {  // already gone
  }
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, grace, [this] { return is_buried_; })) return;
  lock.unlock();
  kill_process();
  lock.lock();
  changed_.wait(lock, [this] { return is_buried_; });
}

}  // namespace

std::unique_ptr<RunnerProcess> RunnerProcess::spawn(Options options) {
  auto process = std::make_unique<RunnerProcessImpl>(std::move(options));
  process->start();
  return process;
}

}  // namespace hearth::daemon
