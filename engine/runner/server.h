// The runner's end of the protocol: one engine behind one socket.
// The calling thread reads frames, a writer thread sends them, a third one loads; the engine has
// its own threads.
#pragma once

#include <atomic>
#include <csignal>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/backend/compute_lease.h"
#include "engine/engine.h"
#include "engine/runner.h"
#include "engine/runner/outbox.h"

namespace hearth::engine {

class RunnerServer {
 public:
  struct Options {
    std::string name;             // of the model, for messages
    int32_t default_threads = 1;  // counted before the sandbox closed
    std::vector<int32_t>
        all_cpus;  // to spread over when more threads are asked for than the process is bound to
    int64_t memory_bytes = 0;  // available, counted before the sandbox closed
    std::string sandbox;       // summary, for LoadedFacts
    const volatile std::sig_atomic_t* stop = nullptr;  // set by a signal: end as after `shutdown`
  };

  RunnerServer(UniqueFd socket, Options options);
  ~RunnerServer();

  // Until shutdown or the end of the socket. Returns the exit code of the process.
  int run();

 private:
  int serve();
  bool dispatch(ReceivedFrame received);  // false after shutdown
  void handle(HelloFrame& frame);
  void handle(LoadFrame& frame, std::vector<UniqueFd> descriptors);
  void handle(QuantizeFrame& frame, std::vector<UniqueFd> descriptors);
  void handle(GenerateFrame& frame);
  void handle(EmbedFrame& frame);
  void send_embedding(EmbeddingResult result);
  void handle(CancelFrame& frame);
  void handle(TokenizeFrame& frame);
  void handle(DetokenizeFrame& frame);
  void handle(StatsRequestFrame& frame);
  void handle(PingFrame& frame);

  void load(const LoadFrame& frame, std::vector<UniqueFd> descriptors);
  void quantize(const QuantizeFrame& frame, const std::vector<UniqueFd>& descriptors);
  LoadedFacts open_engine(const LoadFrame& frame, std::vector<UniqueFd> descriptors);
  bool report_progress(double fraction);
  void write_frames();
  void cancel_unread();
  void fail_request(RequestId id, ErrorCode code, std::string message);
  int give_up(ErrorCode code, const std::string& message);
  Engine* engine();
  Engine& loaded_engine();

  FrameChannel channel_;
  Options options_;
  Outbox outbox_;
  std::thread writer_;
  std::thread loader_;
  std::atomic<bool> is_load_cancelled_{false};
  bool has_load_begun_ = false;
  int64_t last_progress_ms_ = 0;  // loader only

  std::mutex engine_mutex_;              // guards the two pointers, not what they point to
  std::unique_ptr<ComputeLease> lease_;  // outlives the engine
  std::unique_ptr<Engine> engine_;
};

}  // namespace hearth::engine
