// See quantize_process.h.
#include "daemon/quantize_process.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/version.h"
#include "daemon/death_cause.h"
#include "daemon/spawn_runner.h"

namespace hearth::daemon {
namespace {

// Ends with its owner, whatever happens.
class Process {
 public:
  explicit Process(pid_t id) : id_(id) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (id_ == 0) return;
    ::kill(id_, SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = 0;
    return status;
  }

 private:
  pid_t id_;
};

class QuantizeJob {
 public:
  QuantizeJob(const RunnerProcess::Options& options, SpawnedRunner spawned,
              const QuantizeReport& report)
      : hang_limit_(options.hang_limit),
        process_(spawned.process),
        channel_(std::move(spawned.socket)),
        report_(report) {
    death_.model_name = options.model_name;
    death_.activity = RunnerActivity::quantizing;
  }

  void run(const engine::QuantizeFrame& frame, std::span<const int> descriptors) {
    const int64_t kills_before = kernel_memory_kills();
    try {
      channel_.send(engine::HelloFrame{engine::runner_protocol_version,
                                       fmt::format("hearthd {}", version())});
      channel_.send(frame, descriptors);
    } catch (const Error& error) {
      // It has died already; read_answers() sees the end of the socket.
      if (error.code() != ErrorCode::unavailable) throw;
    }
    if (read_answers()) return;
    death_.wait_status = process_.wait();
    death_.kernel_ran_out_of_memory = kernel_memory_kills() > kills_before;
    const DeathCause cause = explain(death_);
    const bool is_memory = cause.kind == DeathKind::out_of_memory;
    throw Error(is_memory ? ErrorCode::out_of_memory : ErrorCode::unavailable, cause.message);
  }

 private:
  // False when the runner went away without an answer.
  bool read_answers() {
    for (;;) {
      engine::ReceivedFrame received;
      const engine::ReceiveStatus status = channel_.receive(received, hang_limit_);
      if (status == engine::ReceiveStatus::closed) return false;
      if (status == engine::ReceiveStatus::timeout) {
        throw Error(ErrorCode::unavailable,
                    fmt::format("quantizing \"{}\" made no progress for {} s and was ended",
                                death_.model_name, hang_limit_.count() / 1000));
      }
      if (std::holds_alternative<engine::QuantizedFrame>(received.frame)) return true;
      take(received.frame);
    }
  }

  void take(const engine::Frame& frame) {
    if (const auto* progress = std::get_if<engine::ProgressFrame>(&frame)) {
      report_(progress->fraction);
    } else if (const auto* refused = std::get_if<engine::RefusedFrame>(&frame)) {
      throw Error(refused->code, refused->message);
    } else if (const auto* fatal = std::get_if<engine::FatalFrame>(&frame)) {
      death_.last_words = fatal->message;
      death_.last_words_are_memory = fatal->code == ErrorCode::out_of_memory;
    } else if (!std::holds_alternative<engine::HelloFrame>(frame)) {
      throw Error(ErrorCode::internal, "the runner sent a frame that does not fit here");
    }
  }

  std::chrono::milliseconds hang_limit_;
  Process process_;
  engine::FrameChannel channel_;
  const QuantizeReport& report_;
  DeathReport death_;
};

}  // namespace

void quantize_in_runner(const RunnerProcess::Options& options, const std::string& mixture,
                        std::span<const int> model_fds, int out_fd, const QuantizeReport& report) {
  engine::QuantizeFrame frame;
  frame.name = options.model_name;
  frame.mixture = mixture;
  frame.model_fds = static_cast<int32_t>(model_fds.size());
  std::vector<int> descriptors(model_fds.begin(), model_fds.end());
  descriptors.push_back(out_fd);
  QuantizeJob(options, spawn_runner(options), report).run(frame, descriptors);
}

}  // namespace hearth::daemon
