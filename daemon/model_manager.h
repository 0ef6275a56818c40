// Owns the runners: one load per model however many ask, leases, keep-alive, eviction, what /api/ps
// tells, and what happens when a runner dies.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/types.h"
#include "daemon/model_library.h"
#include "daemon/runner_process.h"
#include "daemon/server/exchange.h"
#include "daemon/server/task.h"

namespace hearth::daemon {

struct Config;
class WorkerPool;
class ModelManager;
struct ModelInstance;
// Shared by the manager, leases and jobs of the pool: the manager forgets a runner that died while
// leases on it still exist.
using InstancePointer = std::shared_ptr<ModelInstance>;

// Keeps a loaded model from being unloaded. Moves, never copies; io thread.
class ModelLease {
 public:
  ModelLease(ModelLease&& other) noexcept = default;
  ModelLease& operator=(ModelLease&&) = delete;
  ~ModelLease();

  // Never the same for two runners of this daemon.
  uint64_t runner_id() const;
  RunnerProcess& runner() const;
  const engine::LoadedFacts& facts() const;

 private:
  friend class ModelManager;
  ModelLease(ModelManager& manager, InstancePointer instance)
      : manager_(manager), instance_(std::move(instance)) {}

  ModelManager& manager_;
  InstancePointer instance_;
};

// io thread only; what blocks runs on the worker pool.
class ModelManager {
 public:
  ModelManager(boost::asio::any_io_executor io, WorkerPool& workers, const Config& config);
  ~ModelManager();

  // Loads the model unless it is loaded. `keep_alive` absent: the daemon's default for a fresh
  // model, unchanged for a loaded one. Throws what the load failed with, Error{unavailable} when
  // too many requests wait, and as Exchange::throw_if_gone. A load that nobody waits for any more
  // is given up.
  Task<ModelLease> acquire(Exchange& exchange, const RunnableModel& model,
                           std::optional<api::Duration> keep_alive);
  // Absent when the model is not loaded, or on its way out.
  std::optional<ModelLease> acquire_loaded(const RunnableModel& model,
                                           std::optional<api::Duration> keep_alive);
  // Ends the runner of these weights within two seconds, also in the middle of answers and loads:
  // those who wait get Error{unavailable}. Nothing happens when it is not loaded.
  void unload(const std::string& weights_key);
  // Longest remaining first.
  Task<std::vector<api::RunningModel>> running();
  // For all models together.
  int64_t memory_limit_bytes() const;
  // Ends all loads and runners, and returns when they are gone.
  Task<void> stop();

  // Requests by fingerprint: one that ended a runner twice is not to be tried a third time.
  // Forgotten after ten minutes.
  // The death of one runner counts once, however many equal requests it took along.
  void count_kill(const std::string& fingerprint, uint64_t runner_id);
  int kills(const std::string& fingerprint) const;

 private:
  friend class ModelLease;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::daemon
