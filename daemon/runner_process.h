// The daemon's handle on one hearth-runner: starts the process, loads one model into it, carries
// requests and answers, watches that it lives, and says in words what ended it
// (docs/runner-protocol.md).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "engine/compute_lease_owner.h"
#include "engine/engine.h"
#include "engine/generation.h"
#include "engine/runner.h"

namespace hearth::daemon {

enum class DeathKind : uint8_t {
  stopped,  // we asked it to
  exit_code,
  signal,
  out_of_memory,  // killed by the kernel for memory, or an allocation failed
  hang,           // the watchdog ended it
  protocol,       // it sent nonsense or speaks another version
};

struct DeathCause {
  DeathKind kind = DeathKind::exit_code;
  int number = 0;       // exit code or signal
  std::string message;  // whole sentence for users, names the model
};

struct RunnerEvent {
  engine::GenerationEvent event;
  // Final events only: the runner died while this request was running. A manager that tries again
  // counts these.
  bool killed_runner = false;
};

struct RunnerEmbedding {
  engine::EmbeddingResult result;
  bool killed_runner = false;  // as in RunnerEvent
};

// Thread-safe. Callbacks run on the reader thread of the process, must not block and must not
// destroy the RunnerProcess.
class RunnerProcess {
 public:
  struct Options {
    std::filesystem::path program;  // hearth-runner
    std::string model_name;         // for messages and the log
    engine::ComputeLeaseOwner* lease =
        nullptr;  // shared by all runners, must outlive them; null: none
    log::Level log_level = log::Level::info;
    std::vector<std::string> environment;  // NAME=value; nothing else reaches the runner
    std::chrono::milliseconds hang_limit{120'000};
    std::chrono::milliseconds ping_interval{1'000};
    // Called once, after the final events of all requests. May be empty.
    std::function<void(const DeathCause&)> on_death;
  };

  using EventCallback = std::function<void(RunnerEvent)>;
  using EmbeddingCallback = std::function<void(RunnerEmbedding)>;
  // Fraction done, 0..1. Returning false cancels the load. Called on the thread that called load().
  using ProgressCallback = std::function<bool(double)>;

  // Starts the process. Throws Error{internal} naming the program when it cannot be started.
  static std::unique_ptr<RunnerProcess> spawn(Options options);
  virtual ~RunnerProcess() = default;  // as stop() with a grace of 2 s

  // Descriptors, borrowed.
  struct ModelFiles {
    std::span<const int> model;  // shards in order
    std::span<const int> adapters = {};
    std::span<const int> draft = {};  // shards of the draft model
  };

  // Blocks until the model stands; at most once. `progress`
  // may be empty and is asked at least every 100 ms. Throws what the engine refused with,
  // Error{cancelled}, or Error{unavailable} with the cause when the runner died (out_of_memory when
  // that was the cause).
  virtual engine::LoadedFacts load(const ModelFiles& files, const engine::LoadOptions& options,
                                   const ProgressCallback& progress) = 0;

  // Starts an answer; request.id is ignored, the id to cancel with is returned (events carry it
  // too, and may come before this returns). Exactly one final event follows, also when the process
  // dies: then failed/unavailable with the cause. Throws Error{unavailable} when the runner is dead
  // already; no event follows then.
  virtual engine::RequestId generate(engine::GenerationRequest request, EventCallback callback) = 0;
  // The same for one input and its vector: exactly one result follows.
  virtual engine::RequestId embed(engine::EmbeddingRequest request, EmbeddingCallback callback) = 0;
  // Unknown and finished ids are ignored. The final event or result still follows. Neither of
  // these blocks.
  virtual void cancel(engine::RequestId id) = 0;

  // Block for the answer. Throw what the engine threw, or Error{unavailable} with the cause of
  // death. Never call them from a callback.
  virtual std::vector<engine::TokenId> tokenize(std::span<const engine::PromptPart> prompt,
                                                bool as_prompt) = 0;
  virtual std::string detokenize(std::span<const engine::TokenId> tokens) = 0;
  // Gives up with Error{unavailable} after a second.
  virtual engine::EngineStats stats() = 0;

  virtual pid_t pid() const = 0;
  virtual bool is_alive() const = 0;
  // Empty while it lives.
  virtual std::optional<DeathCause> death_cause() const = 0;

  // Asks it to end, kills it after `grace`, returns when it is reaped and all final events are
  // delivered. Idempotent.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace hearth::daemon
