// See server.h and docs/runner-protocol.md.
#include "engine/runner/server.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>
#include <variant>

#include "base/log.h"
#include "base/version.h"
#include "engine/backend/thread_count.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/reader.h"
#include "engine/quantize.h"

namespace hearth::engine {
namespace {

constexpr auto wake_up_interval =
    std::chrono::milliseconds(100);  // how late an unread answer is cancelled at most
constexpr int64_t progress_interval_ms = 50;
constexpr size_t embedding_floats_per_frame = size_t{1} << 20;

int64_t now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// Runs `work`; what it throws becomes a code and a line. Empty when it did not throw.
template <typename Work>
std::optional<FailedFrame> failure_of(Work&& work) {
  try {
    work();
    return std::nullopt;
  } catch (const Error& error) {
    return FailedFrame{0, error.code(), error.what()};
  } catch (const std::bad_alloc&) {
    return FailedFrame{0, ErrorCode::out_of_memory, "not enough memory"};
  } catch (const std::exception& error) {
    return FailedFrame{0, ErrorCode::internal, error.what()};
  }
}

const KernelTable* kernels_named(const std::string& isa, bool is_precise) {
  const KernelTable* table = find_kernels(isa.c_str(), is_precise);
  if (table == nullptr) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("the instruction set \"{}\" is unknown or not there on this machine", isa));
  }
  return table;
}

// Threads started from here on may run on all of `cpus`.
void spread_over(const std::vector<int32_t>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int32_t cpu : cpus) CPU_SET(static_cast<size_t>(cpu), &set);
  ::sched_setaffinity(0, sizeof(set), &set);
}

int64_t vocab_size_of(const GgufMetadata& metadata) {
  const GgufValue* tokens = metadata.find("tokenizer.ggml.tokens");
  return tokens != nullptr ? tokens->count() : 0;
}

}  // namespace

RunnerServer::RunnerServer(UniqueFd socket, Options options)
    : channel_(std::move(socket)), options_(std::move(options)) {}

RunnerServer::~RunnerServer() {
  is_load_cancelled_ = true;
  if (loader_.joinable()) loader_.join();
  engine_.reset();
  outbox_.close();
  if (writer_.joinable()) writer_.join();
}

Engine* RunnerServer::engine() {
  std::lock_guard lock(engine_mutex_);
  return engine_.get();
}

Engine& RunnerServer::loaded_engine() {
  Engine* loaded = engine();
  if (loaded == nullptr)
    throw Error(ErrorCode::unavailable, "no model is loaded in this runner yet");
  return *loaded;
}

void RunnerServer::write_frames() {
  const auto failure = failure_of([this] {
    while (const std::optional<Frame> frame = outbox_.pop()) channel_.send(*frame);
  });
  // Nobody reads any more. The reading thread sees the end of the socket and ends the process.
  if (failure) channel_.shut_down();
}

int RunnerServer::run() {
  outbox_.push(HelloFrame{runner_protocol_version, fmt::format("hearth-runner {}", version())});
  writer_ = std::thread([this] { write_frames(); });
  int exit_code = 0;
  const auto failure = failure_of([&] { exit_code = serve(); });
  if (failure) return give_up(failure->code, failure->message);
  return exit_code;
}

int RunnerServer::serve() {
  for (;;) {
    ReceivedFrame received;
    Engine* loaded = engine();
    const bool is_busy = loaded != nullptr && loaded->stats().running > 0;
    const ReceiveStatus status =
        channel_.receive(received, is_busy ? wake_up_interval : 10 * wake_up_interval);
    cancel_unread();
    if (*options_.stop != 0) return 0;
    // The daemon is gone: there is nobody to finish anything for.
    if (status == ReceiveStatus::closed) ::_exit(0);
    if (status == ReceiveStatus::frame && !dispatch(std::move(received))) return 0;
  }
}

void RunnerServer::cancel_unread() {
  for (const RequestId id : outbox_.take_overflown()) {
    log::warn(fmt::format("request {} is cancelled: its answer is not read", id));
    if (Engine* loaded = engine()) loaded->cancel(id);
  }
}

// Says why, waits a moment for the words to leave, and ends with the exit code of the cause.
int RunnerServer::give_up(ErrorCode code, const std::string& message) {
  log::error(message);
  outbox_.push(FatalFrame{code, message});
  outbox_.close();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ::_exit(code == ErrorCode::out_of_memory ? exit_out_of_memory : exit_protocol);
}

bool RunnerServer::dispatch(ReceivedFrame received) {
  Frame& frame = received.frame;
  if (std::holds_alternative<ShutdownFrame>(frame)) return false;
  if (auto* load_frame = std::get_if<LoadFrame>(&frame)) {
    handle(*load_frame, std::move(received.descriptors));
    return true;
  }
  if (auto* quantize_frame = std::get_if<QuantizeFrame>(&frame)) {
    handle(*quantize_frame, std::move(received.descriptors));
    return true;
  }
  if (!received.descriptors.empty())
    throw Error(ErrorCode::corrupt_data, "a frame with descriptors it cannot have");
  if (std::holds_alternative<CancelLoadFrame>(frame)) {
    is_load_cancelled_ = true;
    return true;
  }
  std::visit(
      [this](auto& value) {
        if constexpr (requires { handle(value); }) {
          handle(value);
        } else {
          throw Error(ErrorCode::corrupt_data, "a frame that only a runner may send");
        }
      },
      frame);
  return true;
}

void RunnerServer::handle(HelloFrame& frame) {
  if (frame.protocol == runner_protocol_version) return;
  throw Error(ErrorCode::unsupported,
              fmt::format("{} speaks version {} of the runner protocol, this hearth-runner {}: "
                          "install both from one build",
                          frame.program, frame.protocol, runner_protocol_version));
}

void RunnerServer::handle(LoadFrame& frame, std::vector<UniqueFd> descriptors) {
  if (has_load_begun_) throw Error(ErrorCode::corrupt_data, "a second model for the same runner");
  const int64_t expected =
      int64_t{frame.model_fds} + frame.adapter_fds + frame.draft_fds + (frame.has_lease ? 1 : 0);
  if (frame.model_fds < 1 || frame.adapter_fds < 0 || frame.draft_fds < 0 ||
      expected != std::ssize(descriptors)) {
    throw Error(ErrorCode::corrupt_data, "a load whose descriptors do not add up");
  }
  has_load_begun_ = true;
  loader_ = std::thread(
      [this, frame, files = std::move(descriptors)]() mutable { load(frame, std::move(files)); });
}

void RunnerServer::load(const LoadFrame& frame, std::vector<UniqueFd> descriptors) {
  LoadedFacts facts;
  const auto failure = failure_of([&] { facts = open_engine(frame, std::move(descriptors)); });
  if (failure) {
    outbox_.push(RefusedFrame{failure->code, failure->message});
  } else {
    outbox_.push(LoadedFrame{facts});
  }
}

// A runner that writes a model never loads one.
void RunnerServer::handle(QuantizeFrame& frame, std::vector<UniqueFd> descriptors) {
  if (has_load_begun_) throw Error(ErrorCode::corrupt_data, "a second model for the same runner");
  if (frame.model_fds < 1 || static_cast<size_t>(frame.model_fds) + 1 != descriptors.size())
    throw Error(ErrorCode::corrupt_data, "a quantization whose descriptors do not add up");
  has_load_begun_ = true;
  loader_ = std::thread([this, frame, files = std::move(descriptors)] { quantize(frame, files); });
}

void RunnerServer::quantize(const QuantizeFrame& frame, const std::vector<UniqueFd>& descriptors) {
  const auto failure = failure_of([&] {
    const Mixture* mixture = find_mixture(frame.mixture);
    if (mixture == nullptr && !frame.mixture.empty()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("\"{}\" is no quantization", frame.mixture));
    }
    std::vector<int> model_fds;
    for (const UniqueFd& descriptor : descriptors) model_fds.push_back(descriptor.get());
    model_fds.pop_back();
    const GgufFile file = GgufFile::from_fds(model_fds, frame.name);
    const int32_t threads = frame.threads > 0 ? frame.threads : options_.default_threads;
    quantize_model(file, mixture, threads, descriptors.back().get(),
                   [this](uint64_t done, uint64_t total) {
                     return report_progress(static_cast<double>(done) / static_cast<double>(total));
                   });
  });
  if (failure) {
    outbox_.push(RefusedFrame{failure->code, failure->message});
  } else {
    outbox_.push(QuantizedFrame{});
  }
}

bool RunnerServer::report_progress(double fraction) {
  const int64_t now = now_ms();
  if (now - last_progress_ms_ >= progress_interval_ms) {
    last_progress_ms_ = now;
    outbox_.push(ProgressFrame{fraction});
  }
  return !is_load_cancelled_;
}

LoadedFacts RunnerServer::open_engine(const LoadFrame& frame, std::vector<UniqueFd> descriptors) {
  std::vector<int> fds;
  for (const UniqueFd& descriptor : descriptors) fds.push_back(descriptor.get());
  std::span<const int> left(fds);
  const auto take = [&](int32_t count, const std::string& name) {
    const std::span<const int> parts = left.first(static_cast<size_t>(count));
    left = left.subspan(parts.size());
    return std::make_unique<GgufFile>(GgufFile::from_fds(parts, name));
  };
  auto file = take(frame.model_fds, frame.options.name);
  EngineCompanions companions;
  for (int32_t i = 0; i < frame.adapter_fds; ++i) {
    const std::string name = fmt::format("{} of {}", i + 1, frame.options.name);
    companions.adapters.push_back({take(1, name), 1.0F});
  }
  if (frame.draft_fds > 0)
    companions.draft = take(frame.draft_fds, fmt::format("draft model of {}", frame.options.name));
  LoadedFacts facts;
  facts.vocab_size = vocab_size_of(file->metadata());
  std::unique_ptr<ComputeLease> lease;
  if (frame.has_lease) lease = ComputeLease::attach(descriptors.back().get());
  EngineOptions options;
  options.kernels = kernels_named(frame.options.isa, frame.options.is_precise);
  options.threads = frame.options.threads > 0 ? frame.options.threads : options_.default_threads;
  if (options.threads > static_cast<int32_t>(allowed_cpus().size())) spread_over(options_.all_cpus);
  options.context_tokens = frame.options.context_tokens;
  options.kv_type = frame.options.kv_type;
  options.cache_bytes = frame.options.cache_bytes;
  options.memory_bytes = options_.memory_bytes;
  options.sequences_max = frame.options.sequences_max;
  options.queue_max = frame.options.queue_max;
  options.step_tokens = frame.options.step_tokens;
  options.vocabulary_only = frame.options.vocabulary_only;
  options.speculation = frame.options.speculation;
  options.draft_cache_bytes = frame.options.draft_cache_bytes;
  options.lease = lease.get();
  auto opened = Engine::open(
      std::move(file), options,
      [this](GenerationEvent event) { outbox_.push_event(std::move(event)); },
      [this](double fraction) { return report_progress(fraction); }, std::move(companions));
  const EngineStats stats = opened->stats();
  facts.context_tokens = stats.context_tokens;
  facts.weight_bytes = stats.weight_bytes;
  facts.cache_bytes = stats.cache_bytes;
  facts.threads = stats.threads;
  facts.isa = options.kernels->name;
  facts.sandbox = options_.sandbox;
  std::lock_guard lock(engine_mutex_);
  lease_ = std::move(lease);
  engine_ = std::move(opened);
  return facts;
}

void RunnerServer::fail_request(RequestId id, ErrorCode code, std::string message) {
  GenerationEvent event;
  event.id = id;
  event.is_final = true;
  event.finish = FinishReason::failed;
  event.error = code;
  event.message = std::move(message);
  outbox_.push_event(std::move(event));
}

void RunnerServer::handle(GenerateFrame& frame) {
  const RequestId id = frame.request.id;
  const auto failure = failure_of([&] {
    if (!frame.unsupported.empty()) {
      throw Error(ErrorCode::unsupported,
                  fmt::format("{} is not supported yet", frame.unsupported));
    }
    loaded_engine().submit(std::move(frame.request));
  });
  if (failure) fail_request(id, failure->code, failure->message);
}

void RunnerServer::handle(EmbedFrame& frame) {
  const RequestId id = frame.request.id;
  const auto failure = failure_of([&] {
    loaded_engine().embed(std::move(frame.request),
                          [this](EmbeddingResult result) { send_embedding(std::move(result)); });
  });
  if (!failure) return;
  EmbeddingResult result;
  result.id = id;
  result.has_failed = true;
  result.error = failure->code;
  result.message = failure->message;
  send_embedding(std::move(result));
}

void RunnerServer::send_embedding(EmbeddingResult result) {
  std::vector<float> values = std::move(result.values);
  for (size_t sent = 0;;) {
    const size_t count = std::min(values.size() - sent, embedding_floats_per_frame);
    result.values.assign(values.begin() + static_cast<std::ptrdiff_t>(sent),
                         values.begin() + static_cast<std::ptrdiff_t>(sent + count));
    sent += count;
    outbox_.push(EmbeddingFrame{result, sent == values.size()});
    if (sent == values.size()) return;
  }
}

void RunnerServer::handle(CancelFrame& frame) {
  if (Engine* loaded = engine()) loaded->cancel(frame.id);
}

void RunnerServer::handle(TokenizeFrame& frame) {
  TokensFrame answer{frame.call, {}};
  auto failure =
      failure_of([&] { answer.tokens = loaded_engine().tokenize(frame.prompt, frame.as_prompt); });
  if (!failure) return outbox_.push(std::move(answer));
  failure->call = frame.call;
  outbox_.push(std::move(*failure));
}

void RunnerServer::handle(DetokenizeFrame& frame) {
  TextFrame answer{frame.call, ""};
  auto failure = failure_of([&] { answer.text = loaded_engine().detokenize(frame.tokens); });
  if (!failure) return outbox_.push(std::move(answer));
  failure->call = frame.call;
  outbox_.push(std::move(*failure));
}

void RunnerServer::handle(StatsRequestFrame& frame) {
  StatsFrame answer{frame.call, {}};
  auto failure = failure_of([&] { answer.stats = loaded_engine().stats(); });
  if (!failure) return outbox_.push(std::move(answer));
  failure->call = frame.call;
  outbox_.push(std::move(*failure));
}

void RunnerServer::handle(PingFrame& frame) {
  PongFrame pong{frame.call, 0, 0, 0, false};
  if (Engine* loaded = engine()) {
    const EngineStats stats = loaded->stats();
    pong.steps = stats.steps;
    pong.running = stats.running;
    pong.waiting = stats.waiting;
    std::lock_guard lock(engine_mutex_);
    pong.waits_for_lease = lease_ != nullptr && lease_->is_waiting();
  }
  outbox_.push(pong);
}

}  // namespace hearth::engine
