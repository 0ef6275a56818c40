// Threads for work that blocks: files, digests, templates. The io thread never does.
#pragma once

#include <functional>
#include <memory>

#include "daemon/server/task.h"

namespace hearth::daemon {

class WorkerPool {
 public:
  // `io` is where coroutines go on.
  WorkerPool(boost::asio::any_io_executor io, int thread_count);
  // As join().
  ~WorkerPool();
  // Waits until all jobs are done; none may be started afterwards.
  void join();

  // Runs `job` on a thread of the pool; what it throws is thrown here.
  Task<void> run(std::function<void()> job);
  // The same with a result.
  template <typename T>
  Task<T> compute(std::function<T()> job) {
    T result{};
    co_await run([&result, &job] { result = job(); });
    co_return result;
  }
  // Starts `job` and returns. It must not throw.
  void start(std::function<void()> job);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::daemon
